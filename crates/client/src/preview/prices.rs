//! Prices as integers that people can publish: 10^-12 dollars for a whole token.

use ballast::state::{Asset, Market};
use ballast_risk::Error as RiskError;
use ballast_risk::price::Price;

/// Pico-dollars are this power of ten.
const EXPONENT: i32 = -12;
/// The whole in basis points.
const WHOLE_BPS: u64 = 10_000;
/// One in the format of a rate, 2^-32.
const ONE: u128 = 1 << 32;

/// The price that a feed with this number makes: the one that a refresh would store.
///
/// # Errors
/// [`RiskError::PriceOutOfRange`].
pub fn price_of(pico_dollars: u64, decimals: u8) -> Result<Price, RiskError> {
    Price::from_decimal_floor(pico_dollars, EXPONENT, decimals)
}

/// The number that a stored price came from; `None` above 64 bits, which is more than 18 million dollars for a token.
///
/// It is the one that makes this price. Where none does, because a feed with another exponent was rounded elsewhere in the
/// last of the price's 64 bits, it is the one that differs by no more than that, or else the least that makes a higher price.
pub fn pico_dollars(price: Price, decimals: u8) -> Option<u64> {
    // Less than 2^-30 of it too low, so that few numbers are left to choose from.
    let low = price.pico_dollars_floor(decimals);
    if low == u64::MAX {
        return None;
    }
    let reaches = |number: u64| match price_of(number, decimals) {
        Ok(made) => made == price || made.min(price) == price,
        // Zero is too small to be a price.
        Err(_) => false,
    };
    let (mut below, mut enough) = (low.saturating_sub(1), low.saturating_add(low >> 29).saturating_add(2));
    if !reaches(enough) {
        return None;
    }
    if below > 0 && reaches(below) {
        below = 0;
    }
    while enough.saturating_sub(below) > 1 {
        let middle = below.midpoint(enough);
        if reaches(middle) {
            enough = middle;
        } else {
            below = middle;
        }
    }
    let rounded = |made: Price| made.shift() == price.shift() && made.mantissa().abs_diff(price.mantissa()) <= 1;
    let exact = price_of(enough, decimals) == Ok(price);
    let next = enough.saturating_sub(1);
    Some(if !exact && price_of(next, decimals).is_ok_and(rounded) { next } else { enough })
}

/// The number that a feed publishes after a move by basis points, rounded down; `None` without a price.
pub fn shocked_pico_dollars(asset: &Asset, bps: i32) -> Option<u64> {
    let number = pico_dollars(asset.spot()?, asset.decimals)?;
    let parts = WHOLE_BPS.checked_add_signed(i64::from(bps))?;
    u64::try_from(u128::from(number) * u128::from(parts) / u128::from(WHOLE_BPS)).ok()
}

/// Gives an asset the spot price that a refresh at this number would store. What is derived from prices of before, the
/// average and the peak, and with them the prices of `Init`, moves by the same part. Unit values follow with
/// [`Asset::accrue`].
///
/// # Errors
/// [`RiskError::PriceOutOfRange`].
pub fn set(asset: &mut Asset, number: u64) -> Result<(), RiskError> {
    let (Some(spot), Some(average), Some(low), Some(high)) = (asset.spot(), asset.average(), asset.low(), asset.high())
    else {
        return Ok(());
    };
    let before = pico_dollars(spot, asset.decimals).ok_or(RiskError::PriceOutOfRange)?;
    let rate = (u128::from(number) * ONE).checked_div(u128::from(before)).unwrap_or(0);
    let rate = u64::try_from(rate).map_err(|_| RiskError::PriceOutOfRange)?;
    let peak = asset.peak().unwrap_or(spot);
    let made = price_of(number, asset.decimals)?;
    let moved = |price: Price| price.times_floor(rate);
    asset.set_prices(made, moved(average)?, moved(low)?, moved(high)?, moved(peak)?);
    Ok(())
}

/// The market with one price, as a refresh at `now` would leave it at spot.
///
/// # Errors
/// [`RiskError::PriceOutOfRange`]; nothing has changed then.
pub fn reprice(market: &mut Market, index: u8, number: u64, now: u64) -> Result<(), RiskError> {
    if let Some(asset) = market.assets.get_mut(usize::from(index)) {
        set(asset, number)?;
        asset.accrue(now);
    }
    Ok(())
}
