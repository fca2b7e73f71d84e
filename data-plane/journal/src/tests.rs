use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};

use proptest::prelude::*;

use super::*;

fn small(dir: &Path) -> Settings {
    Settings {
        segment_bytes: 300,
        ..Settings::in_dir(dir)
    }
}

fn open(settings: Settings) -> Journal {
    Journal::open(settings, Metrics::default()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn append(journal: &Journal, body: &[u8]) -> Result<Offset, AppendError> {
    runtime().block_on(journal.append(
        &TenantId::single(),
        UnixNano(7),
        Bytes::copy_from_slice(body),
    ))
}

fn bodies(journal: &Journal, from: u64) -> Vec<Vec<u8>> {
    journal
        .read(Offset(from), usize::MAX)
        .unwrap()
        .into_iter()
        .map(|record| record.body.to_vec())
        .collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some())
        .collect();
    files.sort();
    files
}

#[test]
fn records_come_back_in_order_across_segments_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let written: Vec<Vec<u8>> = (0..40u8).map(|n| vec![n; usize::from(n)]).collect();
    {
        let journal = open(small(dir.path()));
        for (n, body) in (0..).zip(&written) {
            assert_eq!(append(&journal, body), Ok(Offset(n)));
        }
        assert_eq!(bodies(&journal, 0), written);
    }
    assert!(files(dir.path()).len() > 3);
    let journal = open(small(dir.path()));
    assert_eq!(journal.end(), Offset(40));
    assert_eq!(bodies(&journal, 33), written[33..]);
    let first = &journal.read(Offset(5), 1).unwrap()[..];
    assert_eq!(
        first,
        [Record {
            offset: Offset(5),
            tenant: TenantId::single(),
            received: UnixNano(7),
            body: Bytes::from(vec![5; 5])
        }]
    );
}

#[test]
fn those_who_wait_together_share_a_write() {
    let dir = tempfile::tempdir().unwrap();
    let metrics = Metrics::default();
    let journal = Journal::open(Settings::in_dir(dir.path()), metrics.clone()).unwrap();
    runtime().block_on(async {
        let waiting: Vec<_> = (0..200u8)
            .map(|n| {
                journal
                    .inner
                    .writer
                    .submit(TenantId::single(), UnixNano(0), Bytes::from(vec![n]))
                    .unwrap()
            })
            .collect();
        for answer in waiting {
            answer.await.unwrap().unwrap();
        }
    });
    assert_eq!(metrics.records.get(), 200);
    assert!(
        metrics.groups.get() < 100,
        "{} writes for 200 records",
        metrics.groups.get()
    );
}

#[test]
fn a_torn_tail_is_cut_and_the_rest_stands() {
    let dir = tempfile::tempdir().unwrap();
    {
        let journal = open(Settings::in_dir(dir.path()));
        append(&journal, b"whole").unwrap();
        append(&journal, b"torn").unwrap();
    }
    let file = &files(dir.path())[0];
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() - 2]).unwrap();
    let journal = open(Settings::in_dir(dir.path()));
    assert_eq!(bodies(&journal, 0), [b"whole"]);
    assert_eq!(append(&journal, b"next"), Ok(Offset(1)));
    assert_eq!(bodies(&journal, 1), [b"next"]);
}

#[test]
fn damage_that_is_no_torn_write_is_refused_with_the_file_and_the_place() {
    let dir = tempfile::tempdir().unwrap();
    {
        let journal = open(small(dir.path()));
        (0..20).for_each(|_| assert!(append(&journal, &[1; 50]).is_ok()));
    }
    let first = &files(dir.path())[0];
    let mut bytes = fs::read(first).unwrap();
    bytes[40] ^= 1;
    fs::write(first, bytes).unwrap();
    let error = Journal::open(small(dir.path()), Metrics::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("00000000000000000000.journal") && error.contains("at byte 16"),
        "{error}"
    );

    fs::remove_file(&files(dir.path())[1]).unwrap();
    fs::remove_file(&files(dir.path())[0]).unwrap();
    let journal = open(small(dir.path()));
    assert!(matches!(
        journal.read(Offset(0), 1),
        Err(ReadError::Gone(Offset(0)))
    ));
}

#[test]
fn a_refused_write_that_could_not_be_taken_back_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    {
        let journal = open(small(dir.path()));
        (0..20).for_each(|_| assert!(append(&journal, &[1; 50]).is_ok()));
    }
    let first = &files(dir.path())[0];
    let whole = fs::read(first).unwrap();
    let refused = [&whole[..], &whole[16..], b"half"].concat();
    fs::write(first, refused).unwrap();
    let journal = open(small(dir.path()));
    assert_eq!(bodies(&journal, 0), vec![vec![1; 50]; 20]);
    assert_eq!(fs::read(first).unwrap(), whole);
}

#[test]
fn a_missing_segment_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    {
        let journal = open(small(dir.path()));
        (0..20).for_each(|_| assert!(append(&journal, &[1; 50]).is_ok()));
    }
    fs::remove_file(&files(dir.path())[1]).unwrap();
    assert!(matches!(
        Journal::open(small(dir.path()), Metrics::default()),
        Err(OpenError::Gap { .. })
    ));
}

#[test]
fn a_segment_goes_when_every_consumer_is_past_it_and_offsets_go_on() {
    let dir = tempfile::tempdir().unwrap();
    {
        let journal = open(small(dir.path()));
        (0..20).for_each(|_| assert!(append(&journal, &[1; 50]).is_ok()));
        journal.register("slow").unwrap();
        journal.register("fast").unwrap();
        let before = files(dir.path()).len();
        journal.commit("fast", Offset(20)).unwrap();
        assert_eq!(
            files(dir.path()).len(),
            before,
            "the slow one still needs them"
        );
        journal.commit("slow", Offset(20)).unwrap();
        assert!(files(dir.path()).len() <= 1);
        assert!(matches!(
            journal.read(Offset(0), 1),
            Err(ReadError::Gone(_))
        ));
    }
    let journal = open(small(dir.path()));
    assert_eq!(journal.committed("slow"), Some(Offset(20)));
    assert_eq!(append(&journal, b"x"), Ok(Offset(20)));
}

#[test]
fn offsets_never_start_over_even_when_no_segment_is_left() {
    let dir = tempfile::tempdir().unwrap();
    {
        let journal = open(Settings::in_dir(dir.path()));
        append(&journal, b"x").unwrap();
        journal.register("c").unwrap();
        journal.commit("c", Offset(1)).unwrap();
    }
    files(dir.path())
        .iter()
        .for_each(|file| fs::remove_file(file).unwrap());
    assert_eq!(
        append(&open(Settings::in_dir(dir.path())), b"y"),
        Ok(Offset(1))
    );
}

#[test]
fn two_processes_cannot_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(Settings::in_dir(dir.path()));
    assert!(matches!(
        Journal::open(Settings::in_dir(dir.path()), Metrics::default()),
        Err(OpenError::InUse(_))
    ));
}

#[test]
fn too_much_at_once_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(Settings {
        max_record_bytes: 10,
        ..Settings::in_dir(dir.path())
    });
    assert_eq!(
        append(&journal, &[0; 11]),
        Err(AppendError::TooLarge {
            bytes: 11,
            limit: 10
        })
    );
    journal.close();
    assert_eq!(append(&journal, b"late"), Err(AppendError::Closed));
}

/// 0 works, 1 is full after half of a write, 2 fails to sync, 3 has a kilobyte left.
#[derive(Debug, Clone, Default)]
struct Faulty(Arc<AtomicU8>);

impl Disk for Faulty {
    fn write(&mut self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) == 1 {
            disk::Real.write(file, &bytes[..bytes.len() / 2], at)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk::Real.write(file, bytes, at)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) == 2 {
            return Err(io::Error::other("the disk is gone"));
        }
        disk::Real.sync(file)
    }

    fn free(&mut self, file: &File) -> io::Result<u64> {
        match self.0.load(Ordering::SeqCst) {
            3 => Ok(1024),
            _ => disk::Real.free(file),
        }
    }
}

/// Counts syncs.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<AtomicU8>);

impl Disk for Counting {
    fn write(&mut self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        disk::Real.write(file, bytes, at)
    }

    fn sync(&mut self, _: &File) -> io::Result<()> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn free(&mut self, file: &File) -> io::Result<u64> {
        disk::Real.free(file)
    }
}

#[test]
fn unbroken_load_does_not_put_the_late_sync_off() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Counting::default();
    let settings = Settings {
        fsync: Fsync::Interval(Duration::from_millis(20)),
        ..Settings::in_dir(dir.path())
    };
    let journal = Journal::open_on(settings, Metrics::default(), Box::new(disk.clone())).unwrap();
    let give_up = tokio::time::Instant::now() + Duration::from_secs(20);
    runtime().block_on(async {
        while disk.0.load(Ordering::SeqCst) < 3 {
            assert!(tokio::time::Instant::now() < give_up, "no sync under load");
            let waiting: Vec<_> = (0..50u8)
                .map(|n| {
                    let body = Bytes::from(vec![n]);
                    let writer = &journal.inner.writer;
                    writer
                        .submit(TenantId::single(), UnixNano(0), body)
                        .unwrap()
                })
                .collect();
            for answer in waiting {
                answer.await.unwrap().unwrap();
            }
        }
    });
}

#[test]
fn a_full_disk_refuses_leaves_nothing_behind_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::default();
    {
        let journal = Journal::open_on(
            Settings::in_dir(dir.path()),
            Metrics::default(),
            Box::new(disk.clone()),
        )
        .unwrap();
        append(&journal, b"before").unwrap();
        disk.0.store(1, Ordering::SeqCst);
        assert_eq!(append(&journal, b"refused"), Err(AppendError::Full));
        assert_eq!(append(&journal, b"refused too"), Err(AppendError::Full));
        disk.0.store(2, Ordering::SeqCst);
        assert!(matches!(
            append(&journal, b"unsynced"),
            Err(AppendError::Failed(_))
        ));
        disk.0.store(0, Ordering::SeqCst);
        assert_eq!(append(&journal, b"after"), Ok(Offset(1)));
        assert_eq!(bodies(&journal, 0), [&b"before"[..], b"after"]);
    }
    assert_eq!(
        bodies(&open(Settings::in_dir(dir.path())), 0),
        [&b"before"[..], b"after"],
        "refused records are not found after a restart either"
    );
}

#[test]
fn the_last_of_the_disk_is_left_to_what_frees_space() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::default();
    let settings = Settings {
        reserve_bytes: 1000,
        ..Settings::in_dir(dir.path())
    };
    let journal = Journal::open_on(settings, Metrics::default(), Box::new(disk.clone())).unwrap();
    disk.0.store(3, Ordering::SeqCst);
    assert_eq!(append(&journal, &[1; 100]), Err(AppendError::Full));
    disk.0.store(0, Ordering::SeqCst);
    assert_eq!(append(&journal, &[1; 100]), Ok(Offset(0)));
}

#[test]
fn numbers_that_a_crash_of_the_machine_took_back_are_given_out_again() {
    let dir = tempfile::tempdir().unwrap();
    {
        let journal = open(Settings::in_dir(dir.path()));
        (0..4).for_each(|_| assert!(append(&journal, b"unsynced").is_ok()));
        journal.register("c").unwrap();
        journal.commit("c", Offset(4)).unwrap();
    }
    let file = &files(dir.path())[0];
    File::options()
        .write(true)
        .open(file)
        .unwrap()
        .set_len(16)
        .unwrap();
    {
        let journal = open(Settings::in_dir(dir.path()));
        assert_eq!(append(&journal, b"new"), Ok(Offset(0)));
        assert_eq!(
            journal.register("c").unwrap(),
            Offset(0),
            "or the consumer would pass over the new record"
        );
    }
    assert_eq!(
        open(Settings::in_dir(dir.path())).committed("c"),
        Some(Offset(0))
    );
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<u8>),
    Commit(u64),
    Reopen,
    /// Cuts this many bytes off the newest file, as a crash in the middle of a write would leave it.
    Tear(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec(any::<u8>(), 0..120).prop_map(Step::Append),
        2 => (0u64..60).prop_map(Step::Commit),
        1 => Just(Step::Reopen),
        1 => (1usize..200).prop_map(Step::Tear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_sequence_of_steps_reads_like_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { fsync: Fsync::Never, ..small(dir.path()) };
        let mut journal = open(settings.clone());
        let mut model: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        let mut committed = journal.register("c").unwrap().0;
        for step in steps {
            match step {
                Step::Append(body) => {
                    let offset = append(&journal, &body).unwrap();
                    prop_assert!(model.last_key_value().is_none_or(|(last, _)| offset.0 == last + 1));
                    model.insert(offset.0, body);
                }
                Step::Commit(offset) => {
                    let offset = offset.min(journal.end().0);
                    journal.commit("c", Offset(offset)).unwrap();
                    committed = committed.max(offset);
                }
                Step::Reopen => {
                    drop(journal);
                    journal = open(settings.clone());
                }
                Step::Tear(bytes) => {
                    drop(journal);
                    let newest = files(dir.path()).pop().unwrap();
                    let length = fs::metadata(&newest).unwrap().len();
                    let keep = length.saturating_sub(bytes as u64).max(16);
                    File::options().write(true).open(&newest).unwrap().set_len(keep).unwrap();
                    journal = open(settings.clone());
                    let end = journal.end().0;
                    model.retain(|offset, _| *offset < end);
                    // What was torn off may have been committed already.
                    committed = committed.min(end);
                }
            }
            let found = bodies(&journal, committed);
            let expected: Vec<Vec<u8>> = model.range(committed..).map(|(_, body)| body.clone()).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn arbitrary_files_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), valid_head in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let head = [&b"TAKTJNL1"[..], &[0; 8]].concat();
        let content = if valid_head { [head, bytes].concat() } else { bytes };
        fs::write(dir.path().join("00000000000000000000.journal"), content).unwrap();
        if let Ok(journal) = Journal::open(Settings::in_dir(dir.path()), Metrics::default()) {
            let _result = journal.read(Offset(0), usize::MAX);
        }
    }
}
