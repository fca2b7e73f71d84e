//! What Grafana is given in `deploy/grafana`, read as Grafana reads it.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot read the files has failed"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use takt_traceql::Body;

const PROVISIONING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/grafana/provisioning");

fn yaml(file: &str) -> Value {
    let text = fs::read_to_string(Path::new(PROVISIONING).join(file)).expect("the file is there");
    serde_saphyr::from_str(&text).expect("it is YAML")
}

fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of[key].as_array().map_or(&[], Vec::as_slice)
}

/// Every dashboard with its file.
fn dashboards() -> Vec<(PathBuf, Value)> {
    let files = fs::read_dir(Path::new(PROVISIONING).join("dashboards")).expect("a directory");
    let dashboards: Vec<(PathBuf, Value)> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| {
            let text = fs::read(&path).expect("the file is there");
            let dashboard = serde_json::from_slice(&text).expect("it is JSON");
            (path, dashboard)
        })
        .collect();
    assert!(!dashboards.is_empty());
    dashboards
}

/// As Grafana does before it asks: several values of a variable come with `|` between.
fn with_variables(query: &str, dashboard: &Value) -> String {
    list(&dashboard["templating"], "list")
        .iter()
        .filter_map(|variable| variable["name"].as_str())
        .fold(query.to_owned(), |query, name| {
            query.replace(&format!("${name}"), "cart|pay")
        })
}

#[test]
fn every_query_of_every_dashboard_is_traceql_of_the_kind_its_panel_needs() {
    for (path, dashboard) in dashboards() {
        for panel in list(&dashboard, "panels") {
            let targets = list(panel, "targets");
            assert!(!targets.is_empty(), "{}: {panel}", path.display());
            for target in targets {
                let query = target["query"].as_str().expect("a query");
                let query = with_variables(query, &dashboard);
                assert!(!query.contains('$'), "an unknown variable in {query}");
                let parsed = takt_traceql::parse(&query)
                    .unwrap_or_else(|error| panic!("{}", error.explain(&query)));
                let searches = target["tableType"].is_string();
                assert_eq!(searches, matches!(parsed.body, Body::Search(_)), "{query}");
                let warnings = takt_traceql::warnings(&query);
                assert!(warnings.is_empty(), "{query}: {warnings:?}");
            }
        }
    }
}

#[test]
fn every_panel_asks_a_data_source_that_is_provisioned() {
    let sources = yaml("datasources/takt.yaml");
    let known: BTreeSet<&str> = list(&sources, "datasources")
        .iter()
        .filter_map(|source| source["uid"].as_str())
        .collect();
    for (path, dashboard) in dashboards() {
        let panels = list(&dashboard, "panels").iter();
        let asked: BTreeSet<&str> = panels
            .clone()
            .chain(list(&dashboard["templating"], "list"))
            .chain(panels.flat_map(|panel| list(panel, "targets")))
            .map(|asking| asking["datasource"]["uid"].as_str().expect("a data source"))
            .collect();
        assert!(asked.is_subset(&known), "{}: {asked:?}", path.display());
    }
}

#[test]
fn panels_do_not_cover_each_other() {
    for (path, dashboard) in dashboards() {
        let mut taken = BTreeSet::new();
        for panel in list(&dashboard, "panels") {
            let at = |key: &str| panel["gridPos"][key].as_u64().expect("a position");
            for cell in (at("x")..at("x") + at("w"))
                .flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y)))
            {
                assert!(
                    cell.0 < 24 && taken.insert(cell),
                    "{}: {panel}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_data_source_is_streamed_and_has_no_service_map_of_nowhere() {
    let sources = yaml("datasources/takt.yaml");
    let source = &sources["datasources"][0];
    assert_eq!(source["type"], "tempo");
    assert_eq!(source["jsonData"]["streamingEnabled"]["search"], true);
    assert_eq!(source["jsonData"]["streamingEnabled"]["metrics"], true);
    assert!(source["jsonData"]["serviceMap"].is_null());
    let folder = &yaml("dashboards/takt.yaml")["providers"][0]["options"]["path"];
    assert_eq!(folder, "/etc/grafana/provisioning/dashboards");
}
