//! Prices as integers: the number that a stored price came from is found again.

use ballast_client::preview::{pico_dollars, price_of, shocked_pico_dollars};
use ballast_client::risk::price::Price;
use ballast_client::{Asset, Market};

/// Whatever a feed says in pico-dollars is read back from the stored price, as long as no two numbers make the same one.
#[test]
fn the_number_of_a_feed_is_found_again() {
    let mut number = 1u64;
    while let Some(next) = number.checked_mul(3).filter(|next| *next < 1 << 62) {
        for decimals in [5, 6, 8, 9] {
            for near in [number, number + 1, next - 1] {
                // The very smallest prices of tokens with many decimals are none.
                let Ok(made) = price_of(near, decimals) else {
                    assert!(near < 1_000, "{near} with {decimals} decimals");
                    continue;
                };
                assert_eq!(pico_dollars(made, decimals), Some(near), "{near} with {decimals} decimals");
            }
        }
        number = next;
    }
}

#[test]
fn a_price_with_fewer_digits_is_found_to_the_last_one() {
    for (number, exponent, pico) in
        [(15_000_000_000, -8, 150_000_000_000_000), (1, -8, 10_000), (100_000_000, -8, 1_000_000_000_000)]
    {
        let made = Price::from_decimal_floor(number, exponent, 9).unwrap();
        assert_eq!(pico_dollars(made, 9), Some(pico));
    }
    // More than 64 bits hold.
    assert_eq!(pico_dollars(Price::from_decimal_floor(20_000_000, 0, 6).unwrap(), 6), None);
}

#[test]
fn a_shock_is_rounded_down_and_nothing_is_left_of_more_than_the_whole() {
    let mut market: Box<Market> = bytemuck::allocation::zeroed_box();
    let asset: &mut Asset = &mut market.assets[0];
    assert_eq!(shocked_pico_dollars(asset, 0), None, "no price");
    asset.decimals = 9;
    let spot = price_of(1_000_000_000_003, 9).unwrap();
    asset.set_prices(spot, spot, spot, spot, spot);
    assert_eq!(shocked_pico_dollars(asset, -1), Some(999_900_000_002));
    assert_eq!(shocked_pico_dollars(asset, 10_000), Some(2_000_000_000_006));
    assert_eq!([shocked_pico_dollars(asset, -10_000), shocked_pico_dollars(asset, -10_001)], [Some(0), None]);
}
