//! What becomes of a vault when nobody confirms the model.

use ballast_risk::Result;

use crate::inputs::{DAY, GRACE, STAKED_PAIR, VALIDITY};
use crate::market::{Asset, Checked, check, holdings, netting};
use crate::text::{Table, dollars, state, usd};

/// The staked pair from the last confirmation on, at unchanged prices.
pub fn unconfirmed(assets: &[Asset]) -> Result<String> {
    let heads = ["days since the confirmation", "E at Maint, $", "R at Init, $", "R at Maint, $", "margin state"];
    let mut table = Table::new(&heads);
    let vault = holdings(assets, &STAKED_PAIR);
    let last = VALIDITY + GRACE;
    let times = [0, VALIDITY / DAY].into_iter().chain(VALIDITY / DAY + 1..=last / DAY);
    for days in times {
        let Checked { levels: [init, _, maint], state: found } = check(&netting(), &vault, days * DAY)?;
        table.row(&[
            days.to_string(),
            dollars(maint.equity()),
            usd(init.requirement()),
            usd(maint.requirement()),
            state(found).to_owned(),
        ]);
    }
    Ok(table.finish())
}
