//! The crates depend on each other in one direction, and each library belongs to a layer.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use tests::{Context, Result, ensure};

use crate::{files, files_of, none_of, workspace};

/// Each crate may use those to its left.
const LINE: [&str; 11] = [
    "media",
    "chat-core",
    "presence",
    "backends",
    "capacity",
    "gateway",
    "checker",
    "simulation",
    "fuzz",
    "bench",
    "tests",
];

/// The features of tokio that the domain may use: no sockets, files or processes.
const TOKIO_OF_THE_DOMAIN: [&str; 4] = ["sync", "time", "rt", "macros"];

/// Files of the gateway that may name backends.
const ASSEMBLY: [&str; 4] = [
    "gateway/src/main.rs",
    "gateway/src/assembly.rs",
    "gateway/src/assembly/files.rs",
    "gateway/src/assembly/indexes.rs",
];

/// Returns this platform, to which the dependency graph is limited.
fn host() -> Result<String> {
    let rustc = std::process::Command::new("rustc").arg("-vV").output()?;
    let about = String::from_utf8(rustc.stdout)?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc names no host")
}

fn metadata() -> Result<Metadata> {
    let manifest = workspace().join("Cargo.toml");
    let mut command = MetadataCommand::new();
    let options = vec!["--locked".to_owned(), "--filter-platform".to_owned(), host()?];
    command.manifest_path(manifest).other_options(options);
    command.exec().context("cargo metadata")
}

fn place(name: &str) -> Option<usize> {
    LINE.iter().position(|crate_name| *crate_name == name)
}

#[test]
fn crates_use_only_crates_to_their_left() -> Result<()> {
    let metadata = metadata()?;
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let own =
            place(&package.name).with_context(|| format!("{} is not in line", package.name))?;
        for dependency in &package.dependencies {
            if place(&dependency.name).is_some_and(|other| other > own) {
                wrong.push(format!("{} uses {}", package.name, dependency.name));
            }
        }
    }
    none_of("crates are a line", &wrong)
}

/// The image is built in a workspace that has all its members and the allocator's settings.
#[test]
fn image_is_built_from_every_crate() -> Result<()> {
    let list = std::fs::read_to_string(workspace().join("deploy/Dockerfile.dockerignore"))?;
    let copied: BTreeSet<_> = list.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let metadata = metadata()?;
    let members = metadata.workspace_packages();
    let members = members.iter().filter_map(|package| package.manifest_path.parent()?.file_name());
    let missing: Vec<_> = members
        .chain([".cargo", "Cargo.lock", "Cargo.toml"])
        .filter(|path| !copied.contains(path))
        .map(|path| format!("{path} is missing in deploy/Dockerfile.dockerignore"))
        .collect();
    none_of("the image needs every crate", &missing)
}

/// Returns the lines `crate = "a", wrappers = ["b"]` of deny.toml as a map.
fn wrappers() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let text = std::fs::read_to_string(workspace().join("deny.toml"))?;
    let entries = text.lines().filter(|line| line.contains("{ crate ="));
    let quoted = |line: &str| -> Vec<String> {
        line.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let wrappers = entries.filter_map(|line| {
        let mut names = quoted(line).into_iter();
        Some((names.next()?, names.collect()))
    });
    let wrappers: BTreeMap<_, _> = wrappers.collect();
    ensure!(wrappers.len() > 5, "deny.toml is not read: {wrappers:?}");
    Ok(wrappers)
}

#[test]
fn libraries_stay_in_their_layer() -> Result<()> {
    let (metadata, wrappers) = (metadata()?, wrappers()?);
    let name = |id: &PackageId| -> Option<&str> {
        let package = metadata.packages.iter().find(|package| package.id == *id)?;
        Some(&package.name)
    };
    let nodes = &metadata.resolve.as_ref().context("no dependency graph")?.nodes;
    let mut wrong = Vec::new();
    for node in nodes {
        let user = name(&node.id).unwrap_or_default();
        for used in node.dependencies.iter().filter_map(name) {
            if wrappers.get(used).is_some_and(|wrappers| !wrappers.contains(user)) {
                wrong.push(format!("{user} uses {used}"));
            }
        }
    }
    none_of("deny.toml names who may use what", &wrong)
}

#[test]
fn domain_has_no_sockets_and_files() -> Result<()> {
    let metadata = metadata()?;
    let mut wrong = Vec::new();
    for package in domain(&metadata) {
        let normal = package.dependencies.iter().filter(|one| one.kind == DependencyKind::Normal);
        for tokio in normal.filter(|dependency| dependency.name == "tokio") {
            let more = |feature: &&String| !TOKIO_OF_THE_DOMAIN.contains(&feature.as_str());
            let more = tokio.features.iter().filter(more);
            wrong.extend(more.map(|feature| format!("{}: tokio/{feature}", package.name)));
        }
    }
    for file in files_of("rs")? {
        let path = file.path.display().to_string();
        if !["media/src", "chat-core/src", "presence/src"]
            .iter()
            .any(|domain| path.starts_with(domain))
        {
            continue;
        }
        for outside in
            ["std::net", "std::fs", "std::env", "process::Command", "tokio::net", "tokio::fs"]
        {
            if file.text.contains(outside) {
                wrong.push(format!("{path}: {outside}"));
            }
        }
    }
    none_of("the domain reaches nothing outside", &wrong)
}

fn domain(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    let packages = metadata.workspace_packages().into_iter();
    packages.filter(|package| place(&package.name).is_some_and(|place| place < 3))
}

#[test]
fn only_the_assembly_names_backends() -> Result<()> {
    let mut wrong = Vec::new();
    for file in files()?.iter().filter(|file| file.path.starts_with("gateway/src")) {
        let path = file.path.display().to_string();
        if !ASSEMBLY.contains(&path.as_str()) && file.text.contains("backends::") {
            wrong.push(path);
        }
    }
    none_of("backends are named where the gateway is put together", &wrong)
}
