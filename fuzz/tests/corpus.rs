//! Every target holds for every input of its corpus.

use std::{fs, path::Path};

use fuzz::TARGETS;

/// The most bytes of all corpora together.
const BYTES_MAX: usize = 200 * 1024;

/// One test, because the bounds on memory count all threads.
#[test]
#[expect(clippy::print_stdout, reason = "the last name printed is the input that fails")]
fn targets_hold_for_every_input_of_their_corpora() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut bytes = 0;
    for target in TARGETS {
        let corpus = fs::read_dir(corpora.join(target.name)).expect("a corpus");
        let mut inputs = 0;
        for file in corpus {
            let path = file.expect("a file").path();
            let input = fs::read(&path).expect("an input");
            println!("{}", path.display());
            (target.check)(&input);
            bytes += input.len();
            inputs += 1;
        }
        assert!(inputs > 0, "{} has no inputs", target.name);
    }
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
}

#[test]
fn every_corpus_belongs_to_a_target() {
    for folder in ["corpus", "dictionaries"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for file in fs::read_dir(folder).expect("a folder") {
            let name = file.expect("a file").path().with_extension("");
            let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
            assert!(fuzz::Target::named(&name).is_some(), "{name}");
        }
    }
}
