//! Placeholder while the toolchain is brought up.
use anchor_lang::prelude::*;
#[cfg(target_arch = "bpf")]
use sbf_rt as _;

declare_id!("Ba11ast111111111111111111111111111111111111");

#[program]
pub mod ballast {
    use super::*;
    pub fn ping(_context: Context<Ping>) -> Result<()> {
        Ok(())
    }
}

#[derive(Accounts)]
pub struct Ping {}
