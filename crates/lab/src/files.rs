//! The generated files of the book: what they are called, what is in them, and whether they are current.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::inputs::VAULTS;
use crate::{market, plots, tables};

/// Where they lie, from the root of the repository.
pub const FOLDER: &str = "docs/src/generated";

/// A file of [`FOLDER`].
pub struct File {
    pub name: String,
    pub text: String,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

/// All files as they should be committed.
pub fn generate() -> Outcome<Vec<File>> {
    let refused = |error: ballast_risk::Error| format!("the example is refused: {error:?}");
    let assets = market::assets().map_err(refused)?;
    let mut files = vec![
        file("assets.md", tables::asset_inputs()),
        file("correlations.md", tables::correlations()),
        file("scenarios.md", tables::scenario_inputs()),
        file("model.md", tables::model_inputs()),
        file("staked-pair-steps.md", tables::staked_pair_steps(&assets).map_err(refused)?),
        file("summary.md", tables::summary(&assets).map_err(refused)?),
        file("unconfirmed.md", tables::unconfirmed(&assets).map_err(refused)?),
        file("phasing-in.md", tables::phasing_in(&assets).map_err(refused)?),
        file("parameters.md", tables::parameters()),
        file("margin-by-size.svg", plots::by_size()?),
        file("margin-by-correlation.svg", plots::by_correlation()?),
    ];
    for vault in VAULTS {
        let positions = tables::positions(&assets, vault).map_err(refused)?;
        let checks = tables::checks(&assets, vault).map_err(refused)?;
        files.push(file(&format!("{}.md", vault.file), format!("{positions}\n{checks}")));
    }
    Ok(files)
}

fn file(name: &str, mut text: String) -> File {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    File { name: name.to_owned(), text }
}

/// Writes all files into a checkout.
pub fn write(root: &Path) -> Outcome<()> {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    for File { name, text } in generate()? {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// The files of a checkout that differ from what the code computes, are missing, or should not be there.
pub fn outdated(root: &Path) -> Outcome<Vec<PathBuf>> {
    let folder = root.join(FOLDER);
    let wanted = generate()?;
    let mut wrong = Vec::new();
    for File { name, text } in &wanted {
        if fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text) {
            wrong.push(Path::new(FOLDER).join(name));
        }
    }
    // A missing folder is a list of missing files already.
    for entry in fs::read_dir(&folder).into_iter().flatten() {
        let name = entry?.file_name();
        if wanted.iter().all(|file| *file.name != *name) {
            wrong.push(Path::new(FOLDER).join(name));
        }
    }
    Ok(wrong)
}
