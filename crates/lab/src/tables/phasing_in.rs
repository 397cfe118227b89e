//! What becomes of a vault when a stricter model is taken over.

use ballast_risk::Result;

use crate::inputs::{JITOSOL, NEXT_UNSTAKING, NOTICE, STAKED_PAIR, UNSTAKING};
use crate::market::{Asset, Checked, check, coefficient, holdings, phasing_in as model};
use crate::text::{Table, dollars, state, usd};

const HOUR: u64 = 3_600;

/// The staked pair from the second on in which the next model is executed, at unchanged prices.
pub fn phasing_in(assets: &[Asset]) -> Result<String> {
    let mut assets = assets.to_vec();
    for (at, asset) in assets.iter_mut().enumerate() {
        let mut moves = asset.sensitivities;
        if at == JITOSOL {
            moves.shocks[UNSTAKING] = coefficient(NEXT_UNSTAKING);
        }
        *asset = asset.clone().replaced(moves);
    }
    let heads = ["hours since it was executed", "E at Maint, $", "R at Init, $", "R at Maint, $", "margin state"];
    let mut table = Table::new(&heads);
    let vault = holdings(&assets, &STAKED_PAIR);
    let steps = (0..=6).map(|sixth| NOTICE + sixth * NOTICE / 6);
    for time in std::iter::once(0).chain(steps) {
        let Checked { levels: [init, _, maint], state: found } = check(&model(), &vault, time)?;
        table.row(&[
            (time / HOUR).to_string(),
            dollars(maint.equity()),
            usd(init.requirement()),
            usd(maint.requirement()),
            state(found).to_owned(),
        ]);
    }
    Ok(table.finish())
}
