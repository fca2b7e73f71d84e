//! Generates takt-wire from api/proto without protoc.
//!
//! The output is committed: building Takt needs no code generation, and a change of the contract
//! shows as a change of code. A test fails when the committed output is not what the protos say.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use prost::Message as _;

mod methods;

/// `tempopb.trace.v1` and its neighbours are OTLP under another name, so they are OTLP's types.
const OTLP: [(&str, &str); 3] = [
    (
        ".tempopb.common.v1",
        "::opentelemetry_proto::tonic::common::v1",
    ),
    (
        ".tempopb.resource.v1",
        "::opentelemetry_proto::tonic::resource::v1",
    ),
    (
        ".tempopb.trace.v1",
        "::opentelemetry_proto::tonic::trace::v1",
    ),
];

/// Messages without a JSON form here: Tempo writes ids of spans in base64, OTLP in hex, and
/// `takt_trace::encode` does it Tempo's way.
const NO_JSON: [&str; 2] = [".tempopb.Trace", ".tempopb.TraceByIDResponse"];

/// Fields that many messages share without copying.
const SHARED: &str = ".takt.control.v1.RowChange.row";

/// The root of the workspace this program was built from.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The generated files by name.
///
/// # Errors
/// When a proto is not legal.
pub fn generate(workspace: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let root = workspace.join("api/proto");
    let mut protos = Vec::new();
    list_protos(&root, &mut protos)?;
    let mut files = protox::compile(&protos, [&root]).context("the protos do not compile")?;
    let out = tempfile::tempdir()?;

    let mut builder = tonic_prost_build::configure()
        .out_dir(out.path())
        .emit_rerun_if_changed(false)
        .btree_map(".")
        .bytes(SHARED);
    for (proto, rust) in OTLP {
        builder = builder.extern_path(proto, rust);
    }
    builder.compile_fds(files.clone())?;

    // Comments of our own contracts are the help of `takt ctl` and what reflection shows.
    for file in files
        .file
        .iter_mut()
        .filter(|file| !file.package().starts_with("takt."))
    {
        file.source_code_info = None;
    }
    let descriptors = files.encode_to_vec();
    let mut json = pbjson_build::Builder::new();
    json.out_dir(out.path())
        .register_descriptors(&descriptors)?
        .btree_map(["."])
        .exclude(NO_JSON)
        .exclude(OTLP.map(|(proto, _)| proto));
    for (proto, rust) in OTLP {
        json.extern_path(proto, rust);
    }
    json.build(&[".tempopb"])?;

    let mut generated = read(out.path())?;
    generated.retain(|_, text| !text.is_empty());
    generated.insert(
        "methods.rs".to_owned(),
        methods::generate(&files)?.into_bytes(),
    );
    generated.insert("descriptors.bin".to_owned(), descriptors);
    Ok(generated)
}

/// Replaces the committed files.
///
/// # Errors
/// When the protos are not legal or the directory cannot be written.
pub fn write(workspace: &Path) -> Result<()> {
    let target = target(workspace);
    let generated = generate(workspace)?;
    fs::create_dir_all(&target)?;
    for stale in read(&target)?
        .keys()
        .filter(|name| !generated.contains_key(*name))
    {
        fs::remove_file(target.join(stale))?;
    }
    for (name, bytes) in generated {
        fs::write(target.join(name), bytes)?;
    }
    Ok(())
}

/// Compares the committed files with what would be generated.
///
/// # Errors
/// When they differ; the message names the files and the way out.
pub fn check(workspace: &Path) -> Result<()> {
    let committed = read(&target(workspace))?;
    let generated = generate(workspace)?;
    let mut differing: Vec<&str> = committed
        .keys()
        .chain(generated.keys())
        .filter(|name| committed.get(*name) != generated.get(*name))
        .map(String::as_str)
        .collect();
    differing.sort_unstable();
    differing.dedup();
    if !differing.is_empty() {
        bail!(
            "the generated code is stale: {}; run `cargo build --workspace --bin codegen` and then the program",
            differing.join(", ")
        );
    }
    Ok(())
}

fn target(workspace: &Path) -> PathBuf {
    workspace.join("api/wire/src/gen")
}

fn list_protos(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = fs::read_dir(directory)
        .with_context(|| format!("cannot list `{}`", directory.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_unstable();
    for path in entries {
        if path.is_dir() {
            list_protos(&path, found)?;
        } else if path.extension().is_some_and(|name| name == "proto") {
            found.push(path);
        }
    }
    Ok(())
}

fn read(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read(entry.path())?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_code_is_what_the_protos_say() {
        check(&workspace()).unwrap();
    }
}
