//! Sizes and headers of sources, and what no file of the project may contain.

use tests::{Result, ensure};

use crate::{File, files, files_of, none_of};

/// The most lines of a source.
const LINES_MAX: usize = 400;

/// Longer files. This list may only shrink.
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
            wrong.push(format!("{path} is short now: remove it from the list"));
        }
    }
    none_of("a source has at most 400 lines", &wrong)
}

#[test]
fn sources_start_with_their_purpose() -> Result<()> {
    let lacks_header = |file: &File| !file.text.starts_with("//! ");
    let wrong = files_of("rs")?.into_iter().filter(lacks_header);
    let wrong: Vec<_> = wrong.map(|file| file.path.display().to_string()).collect();
    none_of("a source starts with a sentence on its purpose", &wrong)
}

#[test]
fn modules_are_named_by_their_files() -> Result<()> {
    let is_mod = |file: &File| file.path.file_name().is_some_and(|name| name == "mod.rs");
    let wrong = files_of("rs")?.into_iter().filter(is_mod);
    let wrong: Vec<_> = wrong.map(|file| file.path.display().to_string()).collect();
    none_of("name.rs with a folder name/, never mod.rs", &wrong)
}

/// Returns texts that are true of one machine only. They are written in halves, so that this file does
/// not contain them.
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
fn files_name_no_machine_and_no_registry() -> Result<()> {
    let mut wrong = Vec::new();
    for file in files()? {
        for (number, line) in file.text.lines().enumerate() {
            let found = of_one_machine().into_iter().filter(|foreign| line.contains(foreign));
            let place = format!("{}:{}", file.path.display(), number + 1);
            wrong.extend(found.map(|foreign| format!("{place}: {foreign}")));
        }
    }
    none_of("paths of one machine and hosts of registries do not belong into files", &wrong)
}

#[test]
fn package_lock_file_names_no_host() -> Result<()> {
    let locks = files()?.into_iter().filter(|file| file.path.ends_with("package-lock.json"));
    for lock in locks {
        ensure!(!lock.text.contains("\"resolved\""), "{} names hosts", lock.path.display());
        ensure!(lock.text.contains("\"integrity\""), "{} has no checksums", lock.path.display());
    }
    Ok(())
}
