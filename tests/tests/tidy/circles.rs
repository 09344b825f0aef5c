//! Files that import each other in a circle have to be read together, so circles stay small.
//!
//! An edge is a `use` or a `crate::` path from one file to the file that defines the item. Re-exports
//! are followed, and a module that re-exports its own child does not import it. Test modules do not
//! count.

use std::collections::{BTreeMap, BTreeSet};

use tests::Result;

use crate::{files_of, none_of};

/// The most files of a crate that may import each other in a circle.
const CIRCLE_FILES_MAX: usize = 4;

const CRATES: [&str; 4] = ["chat-core", "presence", "backends", "gateway"];

/// A path of names, for example `write`, `plan`, `Plan`. The crate's root is empty.
type Path = Vec<String>;

/// The imports of one crate's files, by module.
#[derive(Default)]
struct Imports {
    /// Paths that each module names.
    named: BTreeMap<Path, BTreeSet<Path>>,
    /// Where the items that a module re-exports come from.
    reexports: BTreeMap<Path, Path>,
}

fn path_of(text: &str) -> Path {
    text.split("::").map(|name| name.trim().to_owned()).collect()
}

/// Splits `a::{b, c::{d, e}}` into `a::b`, `a::c::d` and `a::c::e`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let mut depth = 0;
    let parts = tree.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('{') {
            Some((head, rest)) => {
                let inner = rest.strip_suffix('}').unwrap_or(rest);
                expand(&format!("{prefix}{head}"), inner, paths);
            }
            None => paths.push(format!("{prefix}{}", part.split(" as ").next().unwrap_or(part))),
        }
    }
}

impl Imports {
    /// Adds a file's imports.
    fn read(&mut self, module: &Path, text: &str, modules: &BTreeSet<Path>) {
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code: String = lines.flat_map(|line| [line, " "]).collect();
        let mut named = BTreeSet::new();
        for statement in code.split(';') {
            let Some((before, tree)) = statement.rsplit_once("use ") else { continue };
            let is_public = before.trim_end().ends_with("pub") || before.trim_end().ends_with(')');
            let mut paths = Vec::new();
            expand("", tree, &mut paths);
            let paths: Vec<Path> =
                paths.iter().filter_map(|path| absolute(module, &path_of(path), modules)).collect();
            let reexports = paths.iter().filter(|_| is_public).filter_map(|path| {
                let name = std::slice::from_ref(path.last()?);
                Some(([module.as_slice(), name].concat(), path.clone()))
            });
            self.reexports.extend(reexports);
            let is_of_child = |path: &Path| is_public && path.starts_with(module);
            named.extend(paths.into_iter().filter(|path| !is_of_child(path)));
        }
        for place in code.split("crate::").skip(1) {
            let is_of_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
            let path = place.split(|c| !is_of_path(c)).next().unwrap_or_default();
            named.insert(path_of(path.trim_end_matches(':')));
        }
        self.named.insert(module.clone(), named);
    }

    /// Returns the module that defines the item at this path.
    fn module_of(&self, path: &[String], modules: &BTreeSet<Path>) -> Option<Path> {
        let mut path = path.to_vec();
        // Every step follows one re-export; a chain of them is short.
        for _ in 0..8 {
            let reexport = (1..=path.len()).rev().find_map(|end| {
                let origin = self.reexports.get(&path[..end])?;
                Some([origin, &path[end..]].concat())
            });
            match reexport {
                Some(origin) => path = origin,
                None => break,
            }
        }
        let found = (0..=path.len()).rev().map(|end| path[..end].to_vec());
        found.into_iter().find(|module| modules.contains(module))
    }
}

/// Returns the path from the crate's root, or `None` for a path into another crate.
fn absolute(module: &Path, path: &[String], modules: &BTreeSet<Path>) -> Option<Path> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([module, rest].concat()),
        "super" => {
            let ups = path.iter().take_while(|name| *name == "super").count();
            let base = &module[..module.len().saturating_sub(ups)];
            Some([base, &path[ups..]].concat())
        }
        _ => {
            let child = [module.as_slice(), std::slice::from_ref(first)].concat();
            modules.contains(&child).then(|| [module, path].concat())
        }
    }
}

/// Returns everything that can be reached from a module.
fn reachable(from: &Path, edges: &BTreeMap<Path, BTreeSet<Path>>) -> BTreeSet<Path> {
    let mut reached = BTreeSet::new();
    let mut left = vec![from.clone()];
    while let Some(module) = left.pop() {
        for next in edges.get(&module).into_iter().flatten() {
            if reached.insert(next.clone()) {
                left.push(next.clone());
            }
        }
    }
    reached
}

/// Returns the circles among these files, each as its sorted modules.
fn circles(files: &BTreeMap<Path, String>) -> BTreeSet<Vec<String>> {
    let modules: BTreeSet<Path> = files.keys().cloned().collect();
    let mut imports = Imports::default();
    for (module, text) in files {
        imports.read(module, text, &modules);
    }
    let edges: BTreeMap<Path, BTreeSet<Path>> = imports
        .named
        .iter()
        .map(|(module, named)| {
            let targets = named.iter().filter_map(|path| imports.module_of(path, &modules));
            (module.clone(), targets.filter(|target| target != module).collect())
        })
        .collect();
    let reached: BTreeMap<&Path, BTreeSet<Path>> =
        edges.keys().map(|module| (module, reachable(module, &edges))).collect();
    let in_circle = |module: &&Path| reached[*module].contains(*module);
    let circle = |module: &Path| {
        let mutual = reached[module].iter().filter(|other| reached[*other].contains(module));
        mutual.map(|other| other.join("/")).collect()
    };
    edges.keys().filter(in_circle).map(circle).collect()
}

#[test]
fn import_circles_are_small() -> Result<()> {
    let mut wrong = Vec::new();
    for crate_name in CRATES {
        let root = format!("{crate_name}/src/");
        let files = files_of("rs")?.into_iter().filter_map(|file| {
            let path = file.path.to_str()?.strip_prefix(&root)?.strip_suffix(".rs")?.to_owned();
            let is_test = format!("/{path}/").contains("/tests/");
            let module =
                if path == "lib" { Path::new() } else { path_of(&path.replace('/', "::")) };
            (!is_test && path != "main").then_some((module, file.text))
        });
        let large =
            circles(&files.collect()).into_iter().filter(|one| one.len() > CIRCLE_FILES_MAX);
        wrong.extend(large.map(|one| format!("{crate_name}: {}", one.join(" "))));
    }
    none_of("circles of files that import each other", &wrong)
}

#[test]
fn circle_rule_follows_imports_and_reexports() {
    let file = |module: &str, text: &str| (path_of(module), text.to_owned());
    let files = [
        file("a", "mod inner;\npub use self::inner::Item;\nuse crate::b::{Thing, c::Deep};\n"),
        file("a::inner", "pub struct Item;\n"),
        file("b", "mod c;\nuse super::a::Item;\n"),
        file("b::c", "fn f() { crate::a::run(); }\n#[cfg(test)]\nmod tests {\nuse crate::b;\n}\n"),
        file("d", "// use crate::a;\nuse crate::d;\n"),
    ];
    let found = circles(&files.into());
    assert_eq!(found, BTreeSet::from([vec!["a".to_owned(), "b/c".to_owned()]]));
}
