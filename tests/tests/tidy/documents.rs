//! Documents agree with the code, and their links work.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use tests::{Context, Result, attack::Scenario, ensure};

use crate::{File, files_of, none_of, workspace};

/// Returns the text between each `begin` and the next `end`.
fn between<'a>(text: &'a str, begin: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(begin).skip(1).filter_map(move |rest| Some(rest.split_once(end)?.0))
}

fn document(path: &str) -> Result<String> {
    fs::read_to_string(workspace().join(path)).with_context(|| format!("{path} is missing"))
}

#[test]
fn every_error_code_is_documented() -> Result<()> {
    let source = document("chat-core/src/error.rs")?;
    let names = source.split_once("fn name(").context("no fn name")?.1;
    let names = names.split_once("\n    }").context("no end of fn name")?.0;
    let codes: BTreeSet<_> = names.split('"').skip(1).step_by(2).collect();
    ensure!(codes.len() == 12, "the closed list: {codes:?}");
    let page = document("docs/protocol.md")?;
    let anchor = |code: &&&str| !page.contains(&format!("<a id=\"{code}\"></a>"));
    let wrong: Vec<_> = codes.iter().filter(anchor).map(|code| (*code).to_owned()).collect();
    none_of("docs/protocol.md explains every error code", &wrong)
}

/// Returns a heading's anchor, as renderers make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns the anchors of a page. A heading that repeats gets a number: `#on`, `#on-1`.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut counts = BTreeMap::<_, usize>::new();
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|heading| {
        let name = anchor(heading);
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}-{}", *count - 1) }
    });
    headings.chain(between(text, "<a id=\"", "\"").map(str::to_owned)).collect()
}

/// Returns why a link of `file` is dead, or `None` if it works.
fn dead(file: &File, link: &str) -> Option<String> {
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let folder = workspace().join(&file.path);
    let target = if path.is_empty() { folder } else { folder.parent()?.join(path) };
    if !target.exists() {
        return Some(format!("{}: {link}", file.path.display()));
    }
    let is_page = target.extension().is_some_and(|extension| extension == "md");
    if fragment.is_empty() || !is_page {
        return None;
    }
    let known = anchors(&fs::read_to_string(&target).unwrap_or_default());
    (!known.contains(fragment)).then(|| format!("{}: {link} (no anchor)", file.path.display()))
}

/// Returns the text without code, whose brackets are not links.
fn prose(text: &str) -> String {
    let outside = text.split("```").step_by(2).collect::<String>();
    outside.split('`').step_by(2).collect()
}

#[test]
fn links_work() -> Result<()> {
    let mut wrong = Vec::new();
    for file in files_of("md")? {
        let text = prose(&file.text);
        let links = between(&text, "](", ")").filter(|link| !link.contains("://"));
        wrong.extend(links.filter_map(|link| dead(&file, link)));
    }
    none_of("relative links", &wrong)
}

/// Returns true for paths from the root of the workspace, with at least one folder.
fn is_path(code: &str, folders: &BTreeSet<String>) -> bool {
    let first = code.split_once('/').map(|(first, _)| first);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    first.is_some_and(|first| folders.contains(first)) && code.chars().all(is_plain)
}

#[test]
fn paths_in_sources_and_documents_exist() -> Result<()> {
    let entries = fs::read_dir(workspace())?.flatten();
    let folders: BTreeSet<_> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let mut wrong = Vec::new();
    for file in files_of("rs")?.into_iter().chain(files_of("md")?) {
        let paths = file.text.split('`').filter(|code| is_path(code, &folders));
        let missing = paths.filter(|path| !workspace().join(path).exists());
        wrong.extend(missing.map(|path| format!("{}: {path}", file.path.display())));
    }
    none_of("paths between backticks", &wrong)
}

#[test]
fn every_example_is_linked() -> Result<()> {
    let page = document("docs/protocol.md")?;
    let mut wrong = Vec::new();
    for file in files_of("json")?.iter().filter(|file| file.path.starts_with("docs/protocol")) {
        let name = file.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !page.contains(&format!("protocol/{name}")) {
            wrong.push(name.to_owned());
        }
    }
    none_of("docs/protocol.md links every example", &wrong)
}

/// Returns true for names of tests (`a_name_of_four_words`), and of no setting or file.
fn is_test_name(code: &str) -> bool {
    let is_name = code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    is_name && code.matches('_').count() >= 3
}

#[test]
fn tests_and_attacks_named_in_the_security_page_exist() -> Result<()> {
    let page = document("docs/security.md")?;
    let sources: String = files_of("rs")?.into_iter().map(|file| file.text).collect();
    let named: BTreeSet<_> = page.split('`').skip(1).step_by(2).collect();
    let tests: Vec<_> = named.iter().filter(|name| is_test_name(name)).collect();
    ensure!(tests.len() > 50, "only {} tests are named", tests.len());
    let wrong = tests.into_iter().filter(|name| {
        !sources.contains(&format!("fn {name}(")) && !sources.contains(&format!("fn {name}<"))
    });
    let attacks = Scenario::ALL.map(Scenario::name).into_iter();
    let unnamed = attacks.filter(|attack| !named.contains(attack));
    let wrong: Vec<_> =
        wrong.map(|name| (*name).to_owned()).chain(unnamed.map(str::to_owned)).collect();
    none_of("docs/security.md names all attacks, and only tests that exist", &wrong)
}
