//! Who may import whom: the floors of ARCHITECTURE.md, held against `cargo metadata` and the sources.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot read the workspace has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Where a crate stands. Imports point to the same floor or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Floor {
    Words,
    Pure,
    EngineRoom,
    Edge,
    Binary,
    /// Programs that build, test or measure; only they import each other.
    Tool,
}

const FLOORS: &[(Floor, &[&str])] = &[
    (Floor::Words, &["takt-model", "takt-kit", "takt-wire"]),
    (
        Floor::Pure,
        &[
            "takt-domain",
            "takt-trace",
            "takt-traceql",
            "takt-engine",
            "takt-block",
        ],
    ),
    (
        Floor::EngineRoom,
        &[
            "takt-log",
            "takt-reconcile",
            "takt-views",
            "takt-journal",
            "takt-store",
            "takt-live",
            "takt-ingest",
            // The published view is read on the write path, so it stands below the edge.
            "takt-control",
        ],
    ),
    (
        Floor::Edge,
        &["takt-server", "takt-receive", "takt-query", "takt-rules"],
    ),
    (Floor::Binary, &["takt"]),
    (
        Floor::Tool,
        &[
            "takt-codegen",
            "takt-testkit",
            "takt-chaos",
            "takt-sim",
            "takt-bench",
            "takt-bench-control",
            "takt-fuzz",
            "takt-reference",
        ],
    ),
];

/// What a floor must never depend on directly.
fn never(floor: Floor) -> &'static [&'static str] {
    match floor {
        Floor::Words => &["axum", "clap"],
        Floor::Pure => &[
            "tokio",
            "tokio-util",
            "tokio-stream",
            "tonic",
            "axum",
            "hyper",
            "reqwest",
            "object_store",
            "rand",
            "tracing",
            "clap",
            "redb",
            "openraft",
        ],
        Floor::EngineRoom => &["axum", "clap"],
        Floor::Edge => &["clap"],
        Floor::Binary | Floor::Tool => &[],
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Plane {
    Control,
    Data,
}

fn plane(package: &Package) -> Option<Plane> {
    let path = package.manifest_path.as_str();
    if path.contains("/control-plane/") {
        Some(Plane::Control)
    } else if path.contains("/data-plane/") {
        Some(Plane::Data)
    } else {
        None
    }
}

fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata runs")
}

fn floor_of(name: &str) -> Option<Floor> {
    let (floor, _) = FLOORS.iter().find(|(_, names)| names.contains(&name))?;
    Some(*floor)
}

/// What a package imports to be built; what only its tests import is free.
fn imports(package: &Package) -> impl Iterator<Item = &str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
}

#[test]
fn every_crate_has_a_floor() {
    let metadata = workspace();
    let members: BTreeSet<&str> = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let homeless: Vec<_> = members
        .iter()
        .filter(|name| floor_of(name).is_none())
        .collect();
    assert!(
        homeless.is_empty(),
        "give these crates a floor: {homeless:?}"
    );
}

#[test]
fn imports_point_down_and_never_across_the_planes() {
    let metadata = workspace();
    let ours: BTreeMap<&str, &Package> = metadata
        .packages
        .iter()
        .map(|package| (package.name.as_str(), package))
        .collect();
    let mut wrong = Vec::new();
    for (name, package) in &ours {
        for import in imports(package) {
            let Some(imported) = ours.get(import) else {
                continue;
            };
            if floor_of(import) > floor_of(name) {
                wrong.push(format!(
                    "{name} ({:?}) imports {import} ({:?})",
                    floor_of(name),
                    floor_of(import)
                ));
            }
            let planes = (plane(package), plane(imported));
            if planes == (Some(Plane::Control), Some(Plane::Data))
                || planes == (Some(Plane::Data), Some(Plane::Control))
            {
                wrong.push(format!(
                    "{name} and {import} are of different planes; they meet in api/"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_floor_depends_on_what_it_must_never_know() {
    let mut wrong = Vec::new();
    for package in &workspace().packages {
        let Some(floor) = floor_of(package.name.as_str()) else {
            continue;
        };
        for import in imports(package).filter(|import| never(floor).contains(import)) {
            wrong.push(format!("{} ({floor:?}) depends on {import}", package.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_binary_reads_arguments_environment_and_signals() {
    let mut wrong = Vec::new();
    for package in &workspace().packages {
        if matches!(
            floor_of(package.name.as_str()),
            Some(Floor::Binary | Floor::Tool)
        ) {
            continue;
        }
        let root = package
            .manifest_path
            .parent()
            .expect("a manifest is in a directory")
            .join("src");
        for file in sources(root.as_std_path()) {
            let text = fs::read_to_string(&file).expect("a source can be read");
            // The tests of a crate may look where they please.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in ["env::args", "env::var", "tokio::signal", "signal_hook"] {
                if code.contains(word) && !file.ends_with("tests.rs") {
                    wrong.push(format!("{} uses {word}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a source directory can be listed") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
