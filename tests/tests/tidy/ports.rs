//! Ports have no default methods, so a wrapper that forgets to forward one does not compile.

use tests::{Result, ensure};

use crate::{files_of, none_of};

#[test]
fn ports_have_no_default_methods() -> Result<()> {
    let mut traits = 0;
    let mut wrong = Vec::new();
    for file in files_of("rs")? {
        let path = file.path.display().to_string();
        if !path.starts_with("chat-core/src/port") && !path.starts_with("presence/src/port") {
            continue;
        }
        let mut in_trait = false;
        for (line, number) in file.text.lines().zip(1..) {
            if line.starts_with("pub trait ") {
                traits += 1;
                in_trait = true;
            } else if line == "}" {
                in_trait = false;
            } else if in_trait && line.ends_with('{') {
                wrong.push(format!("{path}:{number}"));
            }
        }
    }
    ensure!(traits > 8, "only {traits} ports were found");
    none_of("a port's method has no default body", &wrong)
}
