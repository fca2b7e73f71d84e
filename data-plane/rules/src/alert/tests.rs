use takt_model::RuleGroups;
use takt_model::rules::Purpose;

use super::*;

const MINUTE: u64 = 60;
const PACE: Pace = Pace {
    resend_after: Duration::from_secs(2 * MINUTE),
    valid_for: Duration::from_secs(8 * MINUTE),
};

fn minute(number: u64) -> UnixNano {
    UnixNano::from_secs((1000 + number) * MINUTE)
}

fn rule(fields: &str) -> AlertRule {
    let text = format!(r#"[{{"name":"g","rules":[{{"alert":"Slow","expr":"x"{fields}}}]}}]"#);
    let groups: RuleGroups = text.parse().unwrap();
    match &groups[0].rules[0].purpose {
        Purpose::Alert(alert) => alert.clone(),
        Purpose::Record(record) => panic!("{record:?}"),
    }
}

fn series(name: &str, value: f64) -> (Labels, f64) {
    (Labels::default().with("s", name), value)
}

/// What becomes of one alert, minute by minute. Of the series: `x` is there, `.` is not, `!` is not known
/// because the evaluation failed. Of the alert: `p`ending, `F`iring, `K`ept firing, `R`esolved, `-` none.
fn life(fields: &str, presence: &str) -> String {
    let rule = rule(fields);
    let mut alerts = Alerts::default();
    let step = |(number, presence): (u64, char)| {
        let found = [series("a", 1.0)];
        match presence {
            'x' => alerts.evaluate(&rule, minute(number), &found).unwrap(),
            '.' => alerts.evaluate(&rule, minute(number), &[]).unwrap(),
            _ => {}
        }
        match alerts.0.values().next().map(|alert| alert.phase) {
            None => '-',
            Some(Phase::Pending) => 'p',
            Some(Phase::Firing {
                missing_since: None,
                ..
            }) => 'F',
            Some(Phase::Firing { .. }) => 'K',
            Some(Phase::Resolved { .. }) => 'R',
        }
    };
    (0..).zip(presence.chars()).map(step).collect()
}

#[test]
fn an_alert_fires_when_its_series_was_there_for_long_enough() {
    assert_eq!(life("", ".xx"), "-FF");
    assert_eq!(life(r#","for":"2m""#, "xxxx"), "ppFF");
    assert_eq!(life(r#","for":"90s""#, "xxxx"), "ppFF");
    assert_eq!(life(r#","for":"2m""#, "xx.xxx"), "pp-ppF");
}

#[test]
fn an_alert_resolves_when_its_series_goes_and_begins_anew_when_it_comes_back() {
    assert_eq!(life("", "x..x"), "FRRF");
    assert_eq!(life(r#","for":"2m""#, "xxx.xxx"), "ppFRppF");
}

#[test]
fn a_kept_alert_bridges_gaps() {
    let kept = r#","keep_firing_for":"2m""#;
    assert_eq!(life(kept, "x...."), "FKKRR");
    assert_eq!(life(kept, "x.x..."), "FKFKKR");
    assert_eq!(
        life(r#","for":"1m","keep_firing_for":"2m""#, "x.xx.x"),
        "p-pFKF"
    );
}

#[test]
fn a_failed_evaluation_changes_nothing() {
    assert_eq!(life("", "x!!x"), "FFFF");
    assert_eq!(life(r#","for":"3m""#, "x!!x"), "pppF");
}

#[test]
fn a_resolved_alert_is_forgotten_after_a_quarter_of_an_hour() {
    let gone = ".".repeat(17);
    assert_eq!(
        life("", &format!("x{gone}")),
        format!("F{}-", "R".repeat(16))
    );
}

#[test]
fn every_set_of_labels_is_an_alert_of_its_own() {
    let mut alerts = Alerts::default();
    let rule = rule(r#","for":"1m""#);
    let (a, b) = (series("a", 1.0), series("b", 2.0));
    alerts
        .evaluate(&rule, minute(0), std::slice::from_ref(&a))
        .unwrap();
    alerts.evaluate(&rule, minute(1), &[a, b]).unwrap();
    let shown = alerts.active().map(|(labels, alert)| {
        let firing = matches!(alert.phase, Phase::Firing { .. });
        (labels.get("s").unwrap(), firing, alert.value)
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [("a", true, 1.0), ("b", false, 2.0)]
    );
    assert!(alerts.is_firing());
}

#[test]
fn labels_of_the_rule_go_over_those_of_the_series_and_texts_are_filled_in() {
    let fields = r#","labels":{"severity":"page","s":"own {{ $labels.s }}"},"annotations":{"summary":"{{ $labels.s }} has {{ $value }}"}"#;
    let mut alerts = Alerts::default();
    alerts
        .evaluate(&rule(fields), minute(0), &[series("a", 1.5)])
        .unwrap();
    let (labels, alert) = alerts.active().next().unwrap();
    assert_eq!(
        labels.to_string(),
        r#"{alertname="Slow", s="own a", severity="page"}"#
    );
    assert_eq!(alert.annotations["summary"], "a has 1.5");
}

#[test]
fn annotations_tell_the_value_of_the_last_evaluation_that_found_one() {
    let rule = rule(r#","keep_firing_for":"5m","annotations":{"v":"{{ $value }}"}"#);
    let mut alerts = Alerts::default();
    alerts
        .evaluate(&rule, minute(0), &[series("a", 1.0)])
        .unwrap();
    alerts
        .evaluate(&rule, minute(1), &[series("a", 2.0)])
        .unwrap();
    alerts.evaluate(&rule, minute(2), &[]).unwrap();
    let (_, alert) = alerts.active().next().unwrap();
    assert_eq!(alert.annotations["v"], "2");
    assert_eq!(alert.active_at, minute(0));
}

#[test]
fn two_series_that_make_one_alert_are_an_error_and_change_nothing() {
    let mut alerts = Alerts::default();
    let rule = rule(r#","labels":{"s":"same"}"#);
    alerts
        .evaluate(&rule, minute(0), &[series("a", 1.0)])
        .unwrap();
    let before = alerts.clone();
    let both = [series("a", 1.0), series("b", 2.0)];
    let error = alerts.evaluate(&rule, minute(1), &both).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"two series have the labels {alertname="Slow", s="same"}"#
    );
    assert_eq!(alerts, before);
}

/// When notices of one alert are due, and when they say it ends, in minutes.
fn told(fields: &str, presence: &str) -> Vec<(u64, u64)> {
    let rule = rule(fields);
    let mut alerts = Alerts::default();
    let mut told = Vec::new();
    for (number, presence) in (0..).zip(presence.chars()) {
        let (at, found) = (minute(number), [series("a", 1.0)]);
        let found = if presence == 'x' { &found[..] } else { &[] };
        alerts.evaluate(&rule, at, found).unwrap();
        for notice in alerts.due("x", at, PACE) {
            told.push((number, notice.ends_at.as_secs() / MINUTE - 1000));
        }
        alerts.mark_sent(at, PACE);
    }
    told
}

#[test]
fn a_firing_alert_is_told_at_once_and_again_before_the_notice_runs_out() {
    assert_eq!(told("", "xxxxx"), [(0, 8), (2, 10), (4, 12)]);
    assert_eq!(told(r#","for":"1m""#, "xxx"), [(1, 9)]);
    assert_eq!(told(r#","for":"9m""#, "xxx"), []);
}

#[test]
fn a_resolved_alert_is_told_at_once_with_its_end_and_again_for_a_while() {
    assert_eq!(told("", "x....."), [(0, 8), (1, 1), (3, 1), (5, 1)]);
    // It came back: the new one is told, not the end of the old one.
    assert_eq!(told("", "x.x"), [(0, 8), (1, 1), (2, 10)]);
}

#[test]
fn a_notice_that_could_not_be_handed_over_stays_due() {
    let mut alerts = Alerts::default();
    alerts
        .evaluate(&rule(""), minute(0), &[series("a", 1.0)])
        .unwrap();
    assert_eq!(alerts.due("x", minute(0), PACE).len(), 1);
    assert_eq!(alerts.due("x", minute(1), PACE).len(), 1);
    alerts.mark_sent(minute(1), PACE);
    assert_eq!(alerts.due("x", minute(2), PACE), []);
}

#[test]
fn a_rule_that_goes_resolves_what_fires() {
    let mut alerts = Alerts::default();
    alerts
        .evaluate(&rule(""), minute(0), &[series("a", 1.0)])
        .unwrap();
    alerts.mark_sent(minute(0), PACE);
    alerts.close(minute(1));
    let notices = alerts.due("x", minute(1), PACE);
    assert_eq!(notices.len(), 1);
    assert_eq!(
        (notices[0].starts_at, notices[0].ends_at),
        (minute(0), minute(1))
    );
    assert_eq!(alerts.active().count(), 0);
}
