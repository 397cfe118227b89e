//! The book shows figures that the code computes. This test makes sure that it still does.

use std::path::Path;

use ballast_lab::files;

#[test]
fn the_committed_figures_are_those_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let wrong = files::outdated(&root).expect("the figures can be computed");
    assert!(wrong.is_empty(), "out of date: {wrong:?}. Type `cargo xtask docs` and commit the result");
}

/// Every generated file is shown somewhere, and nothing is shown that is not generated.
#[test]
fn every_figure_is_in_the_worked_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/src/worked-example.md")).expect("the page");
    for file in files::generate().expect("the figures can be computed") {
        assert!(page.contains(&format!("generated/{}", file.name)), "{} is shown nowhere", file.name);
    }
}
