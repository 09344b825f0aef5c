//! Sizes and headers of sources, and what no file of the project may hold.

use tests::{Result, ensure};

use crate::{File, files, files_of, none_of};

/// A file that is longer is two things.
const LINES_MAX: usize = 400;

/// Files that are longer for now. This list only shrinks.
const LONGER: [&str; 0] = [];

#[test]
fn sources_are_short() -> Result<()> {
    let mut wrong = Vec::new();
    for file in files_of("rs")? {
        let (path, lines) = (file.path.display().to_string(), file.text.lines().count());
        let excused = LONGER.contains(&path.as_str());
        if lines > LINES_MAX && !excused {
            wrong.push(format!("{path}: {lines} lines"));
        }
        if lines <= LINES_MAX && excused {
            wrong.push(format!("{path} is short now: take it off the list"));
        }
    }
    none_of("a source has at most 400 lines", &wrong)
}

#[test]
fn sources_say_what_they_are_for() -> Result<()> {
    let silent = |file: &File| !file.text.starts_with("//! ");
    let wrong = files_of("rs")?.into_iter().filter(silent);
    let wrong: Vec<_> = wrong.map(|file| file.path.display().to_string()).collect();
    none_of("a source begins with a sentence on what it is for", &wrong)
}

#[test]
fn modules_are_named_by_their_files() -> Result<()> {
    let is_mod = |file: &File| file.path.file_name().is_some_and(|name| name == "mod.rs");
    let wrong = files_of("rs")?.into_iter().filter(is_mod);
    let wrong: Vec<_> = wrong.map(|file| file.path.display().to_string()).collect();
    none_of("name.rs with a folder name/, never mod.rs", &wrong)
}

/// What is true of one machine only. In two halves, so that this file does not hold them.
fn of_one_machine() -> Vec<String> {
    [
        ("/ro", "ot/"),
        ("/ho", "me/"),
        ("/wo", "rk/"),
        ("/Us", "ers/"),
        ("registry.", "npmjs.org"),
        ("static.", "crates.io"),
        ("index.", "crates.io"),
        ("repo.", "maven.apache.org"),
        ("repo1.", "maven.org"),
        ("deb.", "debian.org"),
        ("proxy.", "golang.org"),
        ("files.", "pythonhosted.org"),
    ]
    .map(|(begin, end)| format!("{begin}{end}"))
    .into()
}

#[test]
fn no_file_knows_a_machine_or_a_registry() -> Result<()> {
    let mut wrong = Vec::new();
    for file in files()? {
        for (number, line) in file.text.lines().enumerate() {
            let found = of_one_machine().into_iter().filter(|foreign| line.contains(foreign));
            let place = format!("{}:{}", file.path.display(), number + 1);
            wrong.extend(found.map(|foreign| format!("{place}: {foreign}")));
        }
    }
    none_of("paths of one machine and hosts of registries are nobody else's", &wrong)
}

#[test]
fn lock_file_of_the_packages_names_no_host() -> Result<()> {
    let locks = files()?.into_iter().filter(|file| file.path.ends_with("package-lock.json"));
    for lock in locks {
        ensure!(!lock.text.contains("\"resolved\""), "{} names hosts", lock.path.display());
        ensure!(lock.text.contains("\"integrity\""), "{} checks nothing", lock.path.display());
    }
    Ok(())
}
