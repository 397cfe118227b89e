//! The book shows figures that the code computes. This test makes sure that it still does.

use std::path::Path;

use ballast_lab::files;

#[test]
fn the_committed_figures_are_those_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let wrong = files::outdated(&root).expect("the figures can be computed");
    assert!(wrong.is_empty(), "out of date: {wrong:?}. Type `cargo xtask docs` and commit the result");
}

/// Every generated file is shown on some page.
#[test]
fn every_figure_is_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src");
    let pages = ["worked-example.md", "governance.md", "setting-a-model.md"];
    let text = pages.map(|page| std::fs::read_to_string(folder.join(page)).expect("the page")).concat();
    for file in files::generate().expect("the figures can be computed") {
        assert!(text.contains(&format!("generated/{}", file.name)), "{} is shown nowhere", file.name);
    }
}
