use super::*;

fn written(disk: &SimDisk, bytes: &[u8]) -> Arc<dyn Medium> {
    let medium = disk.power_on();
    medium.set_len(4096).unwrap();
    medium.write(0, bytes).unwrap();
    medium
}

fn first(disk: &SimDisk) -> Option<u8> {
    let mut byte = [0];
    disk.power_on().read(0, &mut byte).ok()?;
    Some(byte[0])
}

#[test]
fn what_was_synced_survives_and_what_was_not_may_not() {
    let mut lost = 0;
    for seed in 0..40 {
        let disk = SimDisk::new(seed, Temper::default());
        let medium = written(&disk, &[1]);
        medium.sync_data().unwrap();
        medium.write(0, &[2]).unwrap();
        disk.power_off();
        match first(&disk) {
            Some(1) => lost += 1,
            Some(2) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(
        (1..40).contains(&lost),
        "{lost} of 40 unsynced writes were lost"
    );
}

#[test]
fn a_machine_without_power_has_no_disk() {
    let disk = SimDisk::new(0, Temper::default());
    let before = written(&disk, &[1]);
    disk.power_off();
    let _after = disk.power_on();
    assert!(before.write(0, &[2]).is_err());
    assert!(before.sync_data().is_err());
}

#[test]
fn a_fuse_cuts_the_power_in_the_middle_of_the_work() {
    let disk = SimDisk::new(0, Temper::default());
    let medium = written(&disk, &[1]);
    disk.light_fuse(1);
    medium.write(0, &[2]).unwrap();
    assert!(medium.sync_data().is_err());
    assert!(!disk.has_power());
}

#[test]
fn a_disk_that_lies_about_syncs_loses_what_it_said_was_kept() {
    let temper = Temper {
        sync_lies: true,
        ..Temper::default()
    };
    let lost = (0..40).any(|seed| {
        let disk = SimDisk::new(seed, temper.clone());
        written(&disk, &[1]).sync_data().unwrap();
        disk.power_off();
        first(&disk) != Some(1)
    });
    assert!(lost);
}

#[test]
fn a_full_disk_has_room_for_what_is_on_it() {
    let disk = SimDisk::new(0, Temper::default());
    let medium = written(&disk, &[1]);
    disk.leave_room(0);
    let refused = medium.set_len(8192).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
    medium.write(0, &[2]).unwrap();
    disk.make_room();
    medium.set_len(8192).unwrap();
}
