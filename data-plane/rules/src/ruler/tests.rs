//! The ruler in time that passes by itself, over an evaluator that answers as told.

use std::ops::Range;

use parking_lot::Mutex;
use takt_control::Tenant;
use takt_model::{Limits, RuleGroups, TimeRange};
use tokio::time::Instant;

use super::*;
use crate::alert::Notice;
use crate::deliver::{Parcel, Queue};
use crate::evaluator::{EvaluationError, Sample};
use crate::group::State;
use crate::record::{Point, STALE};

/// A whole number of minutes.
const BEGIN: UnixNano = UnixNano::from_secs(1_700_000_040);

/// The time of the runtime, which tests hold and let go.
#[derive(Debug, Clone, Copy)]
struct Ticking(Instant);

impl Clock for Ticking {
    fn now(&self) -> UnixNano {
        BEGIN.plus(self.0.elapsed())
    }
}

/// Every query finds one series while its window ends within these seconds.
#[derive(Debug, Default)]
struct Knobs {
    present: Vec<Range<u64>>,
    fails: bool,
    takes: Duration,
    asked: Vec<(String, String, u64)>,
    now: usize,
    at_once: usize,
}

#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Knobs>>);

/// In seconds since the beginning.
fn since(moment: UnixNano) -> u64 {
    moment.since(BEGIN).as_secs()
}

impl Evaluator for Told {
    async fn instant(
        &self,
        tenant: &TenantId,
        query: &str,
        window: TimeRange,
    ) -> Result<Vec<Sample>, EvaluationError> {
        let end = since(window.end);
        let takes = {
            let mut knobs = self.0.lock();
            knobs
                .asked
                .push((tenant.to_string(), query.to_owned(), end));
            knobs.now += 1;
            knobs.at_once = knobs.at_once.max(knobs.now);
            knobs.takes
        };
        sleep(takes).await;
        let mut knobs = self.0.lock();
        knobs.now -= 1;
        if knobs.fails {
            return Err(EvaluationError::Partial("a block is away".to_owned()));
        }
        let labels = vec![("resource.service.name".to_owned(), "a".to_owned())];
        let found = knobs.present.iter().any(|present| present.contains(&end));
        let sample = Sample { labels, value: 1.0 };
        Ok(if found { vec![sample] } else { Vec::new() })
    }
}

struct World {
    told: Told,
    view: ViewHandle,
    board: Board,
    notices: mpsc::Receiver<Parcel<Notice>>,
    points: mpsc::Receiver<Parcel<Point>>,
    metrics: Metrics,
    tasks: Tasks,
    began: Instant,
}

impl World {
    /// With these rules for `single-tenant`.
    fn start(rules: &str, told: Told) -> Self {
        Self::with(
            view(&[("single-tenant", rules, TenantState::Active)]),
            told,
            Settings::default(),
        )
    }

    fn with(view: View, told: Told, settings: Settings) -> Self {
        let (tasks, metrics, began) = (Tasks::default(), Metrics::default(), Instant::now());
        let view = ViewHandle::new(view);
        let (to_notices, notices) = Queue::pair("alertmanager", 3, &metrics.queues);
        let (to_points, points) = Queue::pair("remote_write", 3, &metrics.queues);
        let desk = Desk {
            settings: Settings {
                query_offset: Duration::ZERO,
                ..settings
            },
            parts: Parts {
                evaluator: told.clone(),
                view: view.clone(),
                clock: Arc::new(Ticking(began)),
                metrics: metrics.clone(),
            },
            notices: Some(to_notices),
            points: Some(to_points),
        };
        let (ruler, board) = Ruler::at(desk);
        tasks.spawn("ruler", ruler.run(tasks.clone()));
        Self {
            told,
            view,
            board,
            notices,
            points,
            metrics,
            tasks,
            began,
        }
    }

    /// Lets time pass up to just after so many seconds since the beginning.
    async fn pass_to(&self, seconds: u64) {
        let moment = Duration::from_millis(seconds * 1000 + 1);
        tokio::time::sleep_until(self.began + moment).await;
    }

    fn asked(&self) -> Vec<u64> {
        let asked = std::mem::take(&mut self.told.0.lock().asked);
        asked.into_iter().map(|(_, _, end)| end).collect()
    }

    /// The starts and ends of the alerts told since the last time.
    fn told(&mut self) -> Vec<(u64, u64)> {
        let mut told = Vec::new();
        while let Ok(parcel) = self.notices.try_recv() {
            let moments = parcel.items.iter();
            told.extend(moments.map(|notice| (since(notice.starts_at), since(notice.ends_at))));
        }
        told
    }

    /// The moments of the points written since the last time, and whether they end their series.
    fn written(&mut self) -> Vec<(u64, bool)> {
        let mut written = Vec::new();
        while let Ok(parcel) = self.points.try_recv() {
            let points = parcel.items.iter();
            written.extend(
                points.map(|point| (since(point.at), point.value.to_bits() == STALE.to_bits())),
            );
        }
        written
    }

    fn errors(&self) -> Vec<Option<String>> {
        let shown = self.board.of(&TenantId::single());
        let rules = shown.iter().flat_map(|shown| shown.group.rules());
        rules
            .map(|(_, standing)| standing.health.error.clone())
            .collect()
    }
}

fn view(tenants: &[(&str, &str, TenantState)]) -> View {
    let tenants = tenants.iter().map(|(tenant, rules, state)| {
        let limits = Limits {
            rules: rules.parse::<RuleGroups>().unwrap(),
            ..Limits::default()
        };
        let known = Tenant {
            state: *state,
            limits: Arc::new(limits),
        };
        (TenantId::new(tenant).unwrap(), known)
    });
    View {
        tenants: tenants.collect(),
        ..View::default()
    }
}

fn present(seconds: Range<u64>) -> Told {
    let told = Told::default();
    told.0.lock().present.push(seconds);
    told
}

const ALERT: &str = r#"[{"name":"g","interval":"10s","rules":[{"alert":"A","expr":"x"}]}]"#;
const HELD: &str =
    r#"[{"name":"g","interval":"10s","rules":[{"alert":"A","expr":"x","for":"20s"}]}]"#;
const RECORD: &str = r#"[{"name":"g","interval":"10s","rules":[{"record":"r","expr":"x"}]}]"#;

#[tokio::test(start_paused = true)]
async fn rules_are_asked_at_whole_multiples_of_their_interval() {
    let rules = r#"[{"name":"a","interval":"10s","rules":[{"alert":"A","expr":"x"},{"record":"r","expr":"y"}]},
                    {"name":"b","interval":"15s","query_offset":"5s","rules":[{"alert":"B","expr":"z"}]}]"#;
    let world = World::start(rules, Told::default());
    world.pass_to(31).await;
    let mut asked: Vec<_> = world.told.0.lock().asked.clone();
    asked.sort();
    let asked: Vec<_> = asked
        .iter()
        .map(|(_, query, end)| (query.as_str(), *end))
        .collect();
    assert_eq!(
        asked,
        [
            ("x", 10),
            ("x", 20),
            ("x", 30),
            ("y", 10),
            ("y", 20),
            ("y", 30),
            ("z", 10),
            ("z", 25)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_told_when_it_fires_and_when_it_ends() {
    let mut world = World::start(HELD, present(20..65));
    world.pass_to(39).await;
    assert_eq!(world.told(), []);
    world.pass_to(61).await;
    assert_eq!(world.told(), [(40, 40 + 240)]);
    world.pass_to(71).await;
    assert_eq!(world.told(), [(40, 70)]);
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_remembers_is_asked_for_when_it_is_first_seen() {
    // The series was there for longer than `for` when the ruler began.
    let told = Told::default();
    told.0.lock().present.push(0..1000);
    let mut world = World::start(HELD, told);
    world.pass_to(11).await;
    // Before the beginning there is no time in this world: both moments before the tick show as 0.
    assert_eq!(world.asked(), [0, 0, 10]);
    assert_eq!(world.told(), [(10, 250)]);
    world.pass_to(21).await;
    assert_eq!(world.asked(), [20], "once");
}

#[tokio::test(start_paused = true)]
async fn a_failed_or_partial_answer_changes_nothing_and_is_shown() {
    let mut world = World::start(ALERT, present(0..1000));
    world.pass_to(11).await;
    assert_eq!(world.told().len(), 1);
    assert_eq!(world.errors(), [None]);
    world.told.0.lock().fails = true;
    world.pass_to(31).await;
    assert_eq!(world.told(), []);
    assert_eq!(
        world.errors(),
        [Some("the answer is partial: a block is away".to_owned())]
    );
    let shown = world.board.of(&TenantId::single());
    let (_, standing) = shown[0].group.rules().next().unwrap();
    assert!(matches!(&standing.state, State::Alerts(alerts) if alerts.is_firing()));
    world.told.0.lock().fails = false;
    world.pass_to(41).await;
    assert_eq!(world.errors(), [None]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_given_up() {
    let world = World::start(ALERT, Told::default());
    world.told.0.lock().takes = Duration::from_secs(3600);
    world.pass_to(41).await;
    assert_eq!(world.errors(), [Some("no answer within 30s".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_window_longer_than_a_metrics_query_may_be_is_not_asked() {
    let rules = r#"[{"name":"g","interval":"10s","query_window":"25h","rules":[{"alert":"A","expr":"x"}]}]"#;
    let world = World::start(rules, Told::default());
    world.pass_to(11).await;
    assert_eq!(
        world.errors(),
        [Some(
            "the window of the query is longer than `read.max_metrics_duration` allows, 24h"
                .to_owned()
        )]
    );
    assert_eq!(world.asked(), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_group_leaves_moments_out_and_counts_them() {
    let world = World::start(ALERT, Told::default());
    world.told.0.lock().takes = Duration::from_secs(25);
    world.pass_to(61).await;
    // Begun at 10, back at 35: the newest moment is 30. Back at 60: 60.
    assert_eq!(world.asked(), [10, 30, 60]);
    assert_eq!(world.metrics.missed.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_more_groups_are_asked_at_once_than_there_may_be_and_none_starves() {
    let group = |number: usize| {
        format!(
            r#"{{"name":"{number}","interval":"10s","rules":[{{"alert":"A","expr":"{number}"}}]}}"#
        )
    };
    let groups: Vec<_> = (0..6).map(group).collect();
    let rules = format!("[{}]", groups.join(","));
    let told = Told::default();
    told.0.lock().takes = Duration::from_secs(4);
    let settings = Settings {
        concurrency: 2,
        ..Settings::default()
    };
    let one = view(&[("single-tenant", &rules, TenantState::Active)]);
    let world = World::with(one, told, settings);
    world.pass_to(60).await;
    let knobs = world.told.0.lock();
    assert_eq!(knobs.at_once, 2);
    let count = |number: usize| {
        let asked = knobs.asked.iter();
        asked
            .filter(|(_, query, _)| *query == number.to_string())
            .count()
    };
    for number in 0..6 {
        assert!(count(number) >= 3, "{number}: {:?}", knobs.asked);
    }
}

#[tokio::test(start_paused = true)]
async fn points_are_written_and_a_series_that_went_is_ended_once() {
    let mut world = World::start(RECORD, present(10..25));
    world.pass_to(41).await;
    assert_eq!(world.written(), [(10, false), (20, false), (30, true)]);
}

#[tokio::test(start_paused = true)]
async fn rules_that_change_are_followed_and_what_they_began_is_ended() {
    let rules = |rules: &str| view(&[("single-tenant", rules, TenantState::Active)]);
    let both = r#"[{"name":"g","interval":"10s","rules":[{"alert":"A","expr":"x"},{"record":"r","expr":"x"}]}]"#;
    let mut world = World::start(both, present(0..1000));
    world.pass_to(11).await;
    assert_eq!((world.told().len(), world.written().len()), (1, 1));
    // The alert stays, so it is not told again before its time; the record goes.
    world.view.publish(rules(ALERT));
    world.pass_to(21).await;
    assert_eq!(world.told(), []);
    let ended = world.written();
    assert!(matches!(ended[..], [(11..=12, true)]), "{ended:?}");
    world.view.publish(rules("[]"));
    world.pass_to(31).await;
    let ended = world.told();
    assert!(matches!(ended[..], [(10, 21..=22)]), "{ended:?}");
    assert_eq!(world.board.of(&TenantId::single()).len(), 0);
    assert_eq!(world.metrics.groups.get(), 0);
    assert_eq!(world.asked(), [10, 10, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_goes_while_it_is_asked_is_ended_when_it_is_back() {
    let mut world = World::start(ALERT, present(0..1000));
    world.told.0.lock().takes = Duration::from_secs(5);
    world.pass_to(12).await;
    world.view.publish(view(&[]));
    world.pass_to(14).await;
    assert_eq!(world.board.of(&TenantId::single()).len(), 1, "still lent");
    world.pass_to(16).await;
    assert_eq!(world.told(), [(10, 250), (10, 15)]);
    assert_eq!(world.board.of(&TenantId::single()).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn notices_wait_while_the_queue_is_full_and_points_are_counted_as_lost() {
    let rules = r#"[{"name":"g","interval":"10s","rules":[{"alert":"A","expr":"x"},{"alert":"B","expr":"x"},
        {"alert":"C","expr":"x"},{"alert":"D","expr":"x"},{"record":"r","expr":"x"}]}]"#;
    let mut world = World::start(rules, present(0..1000));
    world.pass_to(11).await;
    let full = Some("the queue of `alertmanager` is full".to_owned());
    assert_eq!(world.errors(), [None, None, None, full, None]);
    assert_eq!(world.told().len(), 3);
    world.pass_to(21).await;
    assert_eq!(world.told(), [(10, 260)], "the one that waited");
    world.pass_to(41).await;
    let full = Some("the queue of `remote_write` is full".to_owned());
    assert_eq!(world.errors()[4], full);
    assert_eq!(world.written().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn tenants_have_rules_of_their_own_unless_they_are_being_deleted() {
    let settings = Settings {
        multitenancy: true,
        ..Settings::default()
    };
    let tenants = view(&[
        ("a", ALERT, TenantState::Active),
        ("b", ALERT, TenantState::Suspended),
        ("c", ALERT, TenantState::Deleting),
    ]);
    let mut world = World::with(tenants, present(0..1000), settings);
    world.pass_to(11).await;
    let mut asked: Vec<_> = world.told.0.lock().asked.clone();
    asked.sort();
    let asked: Vec<_> = asked.iter().map(|(tenant, _, _)| tenant.as_str()).collect();
    assert_eq!(asked, ["a", "b"]);
    let mut told = Vec::new();
    while let Ok(parcel) = world.notices.try_recv() {
        told.push(parcel.tenant.to_string());
    }
    told.sort();
    assert_eq!(told, ["a", "b"]);
    assert_eq!(world.board.of(&TenantId::new("a").unwrap()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_the_process_stops_nothing_is_resolved() {
    let mut world = World::start(ALERT, present(0..1000));
    world.pass_to(11).await;
    assert_eq!(world.told().len(), 1);
    world.tasks.stop();
    assert_eq!(world.tasks.drain(Duration::from_secs(5)).await, [""; 0]);
    assert_eq!(world.told(), []);
}
