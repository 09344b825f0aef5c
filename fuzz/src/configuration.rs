//! Settings: a configuration that is printed and read again is the same, and every refusal says why.
//!
//! An input has parts that are separated by zeros: the text of the file, then variables of the
//! environment, such as `CONFAB__LISTEN=[::]:80`.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use gateway::{config::Config, fuzzing::config};

pub(crate) fn check(input: &[u8]) {
    let mut parts = input.split(|byte| *byte == 0);
    let Ok(file) = std::str::from_utf8(parts.next().unwrap_or_default()) else { return };
    let variables: Vec<_> = parts.filter_map(variable).collect();
    match config(file, variables) {
        Ok((config, report)) => check_printed(&config, &report.to_string()),
        Err(problems) => {
            assert!(!problems.0.is_empty());
            assert!(problems.0.iter().all(|problem| problem.contains(": ")), "{problems}");
        }
    }
}

/// Reads a variable. The environment has no names that are empty or contain `=`.
fn variable(part: &[u8]) -> Option<(OsString, OsString)> {
    let end = part.iter().position(|byte| *byte == b'=').filter(|end| *end > 0)?;
    let text = |bytes| OsStr::from_bytes(bytes).to_owned();
    Some((text(&part[..end]), text(&part[end + 1..])))
}

/// Checks that the printed configuration is a file that gives the same one.
fn check_printed(original: &Config, printed: &str) {
    let (again, report) = config(printed, []).unwrap_or_else(|problems| {
        panic!("the printed configuration is refused:\n{problems}\n{printed}")
    });
    let values = |config: &Config| serde_json::to_value(config).expect("JSON");
    assert_eq!(values(&again), values(original), "{report}");
}
