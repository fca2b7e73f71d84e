use takt_model::RuleGroups;

use super::*;

const PACE: Pace = Pace {
    resend_after: Duration::from_secs(60),
    valid_for: Duration::from_secs(240),
};

fn tick(seconds: u64) -> Tick {
    Tick {
        at: UnixNano::from_secs(seconds),
        window_end: UnixNano::from_secs(seconds - 10),
    }
}

fn spec(fields: &str) -> Arc<RuleGroup> {
    let text = format!(r#"[{{"name":"g",{fields}}}]"#);
    Arc::clone(&text.parse::<RuleGroups>().unwrap()[0])
}

fn sample(service: &str, value: f64) -> Sample {
    Sample {
        labels: vec![("resource.service.name".to_owned(), service.to_owned())],
        value,
    }
}

const BOTH: &str = r#""rules":[{"alert":"A","expr":"x"},{"record":"r","expr":"y"}]"#;

#[test]
fn alerts_are_of_the_moment_and_points_of_the_end_of_the_window() {
    let mut group = Group::new(spec(BOTH));
    let nothing = group.evaluate(0, tick(100), &[sample("a", 1.0)]).unwrap();
    assert_eq!(nothing, []);
    let points = group.evaluate(1, tick(100), &[sample("a", 2.0)]).unwrap();
    assert_eq!(points[0].at, UnixNano::from_secs(90));
    assert_eq!(
        points[0].labels.to_string(),
        r#"{__name__="r", resource_service_name="a"}"#
    );
    let notices = group.due(0, tick(100).at, PACE);
    assert_eq!(notices[0].starts_at, UnixNano::from_secs(100));
    assert_eq!(group.due(1, tick(100).at, PACE), []);
}

#[test]
fn no_value_is_no_series() {
    let mut group = Group::new(spec(BOTH));
    let points = group
        .evaluate(1, tick(100), &[sample("a", f64::NAN)])
        .unwrap();
    assert_eq!(points, []);
}

#[test]
fn more_series_than_the_limit_are_an_error() {
    let mut group = Group::new(spec(&format!(r#""limit":1,{BOTH}"#)));
    let two = [sample("a", 1.0), sample("b", 1.0)];
    let error = group.evaluate(0, tick(100), &two).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 series, and the limit of the group is 1"
    );
    assert_eq!(group.due(0, tick(100).at, PACE), []);
}

#[test]
fn a_rule_that_stays_keeps_its_state_and_one_that_goes_is_closed() {
    let mut group = Group::new(spec(BOTH));
    for index in [0, 1] {
        group
            .evaluate(index, tick(100), &[sample("a", 1.0)])
            .unwrap();
    }
    group.standing(0).replayed = true;
    let other = spec(r#""rules":[{"record":"new","expr":"z"},{"alert":"A","expr":"x"}]"#);
    let output = group.adopt(other, UnixNano::from_secs(110), PACE);
    assert_eq!(output.notices, []);
    assert_eq!(output.points.len(), 1, "the end of the series of `r`");
    assert!(group.standing(1).replayed);
    assert_eq!(group.due(1, tick(120).at, PACE).len(), 1);

    let output = group.adopt(spec(r#""rules":[]"#), UnixNano::from_secs(130), PACE);
    assert_eq!(output.notices[0].ends_at, UnixNano::from_secs(130));
}
