//! A subscriber that keeps the rows it is told of has what the state says, from wherever it comes and
//! however slow it is.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_domain::{Command, CommandId, Resource, Subject, Tenant, tenants};
use takt_kit::{ManualClock, Tasks};
use takt_log::{Handle, Parts, Proposal, Settings};
use takt_model::{Revision, TenantId, UnixNano};
use takt_views::{Filter, Heard, Moment, Views, Watch};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_hears_what_changed_and_only_that() {
    let house = House::new().await;
    let mut watch = house.watch(Moment::default());
    assert_eq!(names(&watch.next().await.unwrap()), [""; 0]);
    house.change(1, create("a")).await;
    assert_eq!(names(&watch.next().await.unwrap()), ["a"]);
    house.change(2, create("b")).await;
    assert_eq!(names(&watch.next().await.unwrap()), ["b"]);

    let mut late = house.watch(moment(1));
    assert_eq!(names(&late.next().await.unwrap()), ["b"]);
    assert_eq!(late.after(), moment(2));
    house.stop().await;
    assert!(watch.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_subscriber_finds_each_row_once_as_it_stands() {
    let house = House::new().await;
    house.change(1, create("a")).await;
    let mut watch = house.watch(moment(1));
    watch.next().await.unwrap();
    for number in 2..50 {
        house.change(number, rename("a", number)).await;
    }
    house.views.reached(Revision(49)).await.unwrap();
    let heard = watch.next().await.unwrap();
    assert_eq!(names(&heard), ["a"]);
    let row = heard.state().tenants.get(&id("a")).unwrap();
    assert_eq!(row.display_name, "n49");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_from_another_history_or_too_long_ago_begins_anew() {
    let mut house = House::with(takt_views::Settings {
        changes_kept: 10,
        ..takt_views::Settings::default()
    })
    .await;
    for number in 1..=30 {
        house.change(number, create(&format!("t{number}"))).await;
    }
    for round in ["as it ran", "after a restart"] {
        house.views.reached(Revision(30)).await.unwrap();
        let reset = |from| {
            let mut watch = house.watch(from);
            async move { matches!(watch.next().await.unwrap(), Heard::Reset(_)) }
        };
        let other = Moment {
            command: CommandId(Uuid::nil()),
            ..moment(29)
        };
        assert!(reset(other).await, "{round}");
        assert!(reset(moment(31)).await, "{round}");
        assert!(reset(moment(5)).await, "{round}");
        assert!(reset(Moment::default()).await, "{round}");
        let mut watch = house.watch(moment(25));
        assert_eq!(names(&watch.next().await.unwrap()).len(), 5, "{round}");
        house = house.restart().await;
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_lets_through_what_was_asked_for() {
    let house = House::new().await;
    for (number, name) in (1..).zip(["a", "b", "c"]) {
        house.change(number, create(name)).await;
    }
    house.views.reached(Revision(3)).await.unwrap();
    let hear = async |filter| {
        let mut watch = house.views.watch(Moment::default(), filter).unwrap();
        names(&watch.next().await.unwrap())
    };
    assert_eq!(hear(Filter::default()).await, ["a", "b", "c"]);
    let tenant = Filter {
        tenant: Some(id("b")),
        ..Filter::default()
    };
    assert_eq!(hear(tenant).await, ["b"]);
    let kind = |resource| Filter {
        resources: [resource].into(),
        ..Filter::default()
    };
    assert_eq!(hear(kind(Resource::Tenant)).await.len(), 3);
    assert_eq!(hear(kind(Resource::Node)).await, [""; 0]);
    let name = Filter {
        name: Some("a".into()),
        ..Filter::default()
    };
    assert_eq!(
        hear(name).await,
        [""; 0],
        "the tenant is no name of its row"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_only_so_many_subscribers() {
    let house = House::with(takt_views::Settings {
        subscribers: 2,
        ..takt_views::Settings::default()
    })
    .await;
    let watch = || house.views.watch(Moment::default(), Filter::default());
    let (first, second) = (watch().unwrap(), watch().unwrap());
    assert_eq!(watch().unwrap_err().reason, "CONTROL_SUBSCRIBERS");
    drop(first);
    assert!(watch().is_ok());
    drop(second);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_keeps_rows_has_what_the_state_says() {
    let house = House::with(takt_views::Settings {
        changes_kept: 7,
        ..takt_views::Settings::default()
    })
    .await;
    let tasks = Tasks::default();
    let (done, mut finished) = tokio::sync::mpsc::channel(8);
    for pace in 0..8_u64 {
        let (mut watch, done) = (house.watch(Moment::default()), done.clone());
        tasks.spawn("subscriber", async move {
            let mut kept = Kept::default();
            while let Some(heard) = watch.next().await {
                kept.take(&heard);
                if kept.revision == Revision(200) {
                    done.send(kept).await.unwrap();
                    break;
                }
                // Some keep up and some do not.
                tokio::time::sleep(Duration::from_millis(pace * 5)).await;
            }
            Ok::<(), std::convert::Infallible>(())
        });
    }
    for number in 1..=200 {
        let command = match number % 7 {
            0 => create(&format!("t{number}")),
            _ if number < 7 => create(&format!("t{number}")),
            other => rename(&format!("t{other}"), number),
        };
        house.change(number, command).await;
    }
    let state = house.log.state();
    for _ in 0..8 {
        let kept = finished.recv().await.unwrap();
        let expected = state
            .tenants
            .iter()
            .map(|(id, row)| (id.clone(), row.clone()));
        assert_eq!(kept.tenants, expected.collect());
    }
    house.stop().await;
}

/// What a subscriber has.
#[derive(Default)]
struct Kept {
    revision: Revision,
    tenants: BTreeMap<TenantId, Arc<Tenant>>,
}

impl Kept {
    fn take(&mut self, heard: &Heard) {
        let state = heard.state();
        assert!(state.revision >= self.revision);
        self.revision = state.revision;
        match heard {
            Heard::Reset(state) => {
                let all = state.tenants.iter();
                self.tenants = all.map(|(id, row)| (id.clone(), row.clone())).collect();
            }
            Heard::Changed { state, subjects } => {
                for subject in subjects {
                    let id = subject.tenant.clone().unwrap();
                    let row = state.tenants.get(&id).unwrap().clone();
                    self.tenants.insert(id, row);
                }
            }
        }
    }
}

struct House {
    log: Handle,
    views: Views,
    tasks: Tasks,
    settings: takt_views::Settings,
    dir: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        Self::with(takt_views::Settings::default()).await
    }

    async fn with(settings: takt_views::Settings) -> Self {
        Self::over(tempfile::tempdir().unwrap(), settings).await
    }

    async fn over(dir: tempfile::TempDir, settings: takt_views::Settings) -> Self {
        let tasks = Tasks::default();
        let parts = Parts::new(Arc::new(ManualClock::at(UnixNano(7))));
        let mut registry = Registry::default();
        let of_log = Settings::new(dir.path().into());
        let log = takt_log::open(of_log, parts, &tasks, &mut registry)
            .await
            .unwrap();
        let views = Views::start(log.clone(), settings.clone(), &tasks, &mut registry)
            .await
            .unwrap();
        Self {
            log,
            views,
            tasks,
            settings,
            dir,
        }
    }

    fn watch(&self, after: Moment) -> Watch {
        self.views.watch(after, Filter::default()).unwrap()
    }

    async fn change(&self, number: u64, command: tenants::Command) {
        let proposal = Proposal {
            id: moment(number).command,
            actor: "test".into(),
            command: Command::Tenant(command),
            dry_run: false,
        };
        self.log.propose(proposal).await.unwrap();
    }

    async fn restart(self) -> Self {
        let settings = self.settings.clone();
        Self::over(self.stop().await, settings).await
    }

    async fn stop(self) -> tempfile::TempDir {
        self.tasks.stop();
        drop((self.log, self.views));
        assert_eq!(self.tasks.drain(Duration::from_secs(10)).await, [""; 0]);
        self.dir
    }
}

/// The moment after the command with this number: each is one event.
fn moment(number: u64) -> Moment {
    Moment {
        revision: Revision(number),
        command: CommandId(Uuid::from_u128(u128::from(number))),
    }
}

fn names(heard: &Heard) -> Vec<String> {
    let Heard::Changed { subjects, .. } = heard else {
        panic!("begin anew");
    };
    let tenant = |subject: &Subject| subject.tenant.as_ref().unwrap().to_string();
    subjects.iter().map(tenant).collect()
}

fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

fn create(tenant: &str) -> tenants::Command {
    tenants::Command::create(id(tenant))
}

fn rename(tenant: &str, number: u64) -> tenants::Command {
    tenants::Command::Update {
        tenant: id(tenant),
        change: tenants::Profile {
            display_name: Some(format!("n{number}")),
            ..tenants::Profile::default()
        },
        clear_labels: BTreeSet::new(),
        if_match: None,
    }
}
