//! The bundled path keeps what it promises, for any seed.

use ballast_localnet::catalogue::{BTC, COUNT, ETH, JITOSOL, SOL, USDC, USDT};
use ballast_localnet::prices::generated::path;

#[test]
fn the_same_seed_is_the_same_path() {
    assert_eq!(path(7).frames, path(7).frames);
    assert_ne!(path(7).frames, path(8).frames);
}

#[test]
fn the_promised_falls() {
    for seed in 0..50 {
        let path = path(seed);
        for (asset, promised) in [(SOL, 0.45), (BTC, 0.30), (ETH, 0.38)] {
            let (fall, _) = path.deepest(asset);
            assert!((fall - promised).abs() < 0.02, "seed {seed}, asset {asset}: {fall}");
        }
        assert!(path.deepest(USDC).0 < 0.005, "seed {seed}");
        let dip = path.deepest(USDT).0;
        assert!((0.025..0.036).contains(&dip), "seed {seed}: {dip}");
        let backing =
            |frame: &ballast_localnet::prices::Frame| frame.prices[JITOSOL].as_f64() / frame.prices[SOL].as_f64();
        let least = path.frames.iter().map(backing).fold(f64::MAX, f64::min);
        let depeg = 1.0 - least / backing(&path.frames[0]);
        assert!((0.035..0.045).contains(&depeg), "seed {seed}: {depeg}");
    }
}

#[test]
fn a_recovery_follows_and_times_rise() {
    let path = path(1);
    let trough = path.trough();
    assert!((24..=60).contains(&trough), "{trough}");
    for asset in 0..COUNT {
        let at = |frame: usize| path.frames[frame].prices[asset].as_f64();
        assert!(at(path.frames.len() - 1) >= at(trough) * 0.99, "asset {asset}");
    }
    assert!(path.frames.windows(2).all(|pair| pair[0].time < pair[1].time));
}
