//! The commands that run and end.

use std::fs;
use std::process::{Command, Output};

use super::directory;

fn takt(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_takt"))
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn version_says_which() {
    let output = takt(&["version"]);
    assert!(output.status.success());
    assert!(
        text(&output.stdout).starts_with(concat!("takt ", env!("CARGO_PKG_VERSION"))),
        "{output:?}"
    );
}

#[test]
fn check_config_names_every_mistake_of_a_file_at_once() {
    let dir = directory();
    let file = dir.path().join("takt.yaml");
    let mistakes = "\
server: { drain_budget: soon, portt: 1 }
journal: { fsync: sometimes }
storage: { backend: s3, s3: { bucket: '${NO_SUCH_VARIABLE_ANYWHERE}' } }
receivers: []
";
    fs::write(&file, mistakes).expect("a file in a temporary directory");
    let output = takt(&["check-config", "--config", &file.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for (line, word) in [
        (1, "drain_budget"),
        (1, "portt"),
        (2, "fsync"),
        (3, "NO_SUCH_VARIABLE_ANYWHERE"),
        (4, "receivers"),
    ] {
        let place = format!("takt.yaml:{line}:");
        assert!(
            said.lines()
                .any(|said| said.contains(&place) && said.contains(word)),
            "{word} is missing in:\n{said}"
        );
    }
    assert!(said.contains("5 problems in"), "{said}");
}

#[test]
fn print_config_prints_a_file_that_check_config_accepts() {
    let printed = takt(&["print-config"]);
    assert!(printed.status.success(), "{printed:?}");
    let dir = directory();
    let file = dir.path().join("takt.yaml");
    fs::write(&file, &printed.stdout).expect("a file in a temporary directory");
    let file = file.display().to_string();
    let checked = takt(&["check-config", "--config", &file]);
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(
        text(&takt(&["print-config", "--config", &file]).stdout),
        text(&printed.stdout)
    );
}

#[test]
fn the_configuration_of_the_container_image_is_in_order() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/takt.yaml");
    let checked = takt(&["check-config", "--config", file]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}
