//! Roles: handing one over takes the one who gives, the delay, and the one who takes.

use anchor_lang::prelude::*;

use super::Path;
use crate::ensure;
use crate::state::{Market, Role};

impl Market {
    /// Names a key for a role; it has to accept. Nobody (the default key) needs not: the role is vacant at once.
    ///
    /// # Errors
    /// `MustWait`, and those of [`Market::check_role`].
    pub fn name_for_role(&mut self, role: Role, from: &Pubkey, to: &Pubkey, path: Path) -> Result<()> {
        let vacates = *to == Pubkey::default();
        // Without its steward a market has one power less.
        let tightens = vacates && role == Role::Steward && matches!(path, Path::AtOnce { tightens: true, .. });
        ensure!(tightens || !matches!(path, Path::AtOnce { .. }), MustWait);
        self.check_role(role, from, to)?;
        *role.of_mut(&mut self.named) = *to;
        if vacates {
            *role.of_mut(&mut self.roles) = *to;
        }
        Ok(())
    }

    /// # Errors
    /// `ValueChanged`, `NotNamedForRole` for a governance of nobody.
    pub fn check_role(&self, role: Role, from: &Pubkey, to: &Pubkey) -> Result<()> {
        ensure!(role.of(&self.roles) == from, ValueChanged);
        ensure!(role != Role::Governance || *to != Pubkey::default(), NotNamedForRole);
        Ok(())
    }

    /// The signer takes over the role that it was named for.
    ///
    /// # Errors
    /// `NotNamedForRole`.
    pub fn accept(&mut self, role: Role, signer: &Pubkey) -> Result<()> {
        let named = *role.of(&self.named);
        ensure!(named == *signer && named != Pubkey::default(), NotNamedForRole);
        *role.of_mut(&mut self.roles) = named;
        *role.of_mut(&mut self.named) = Pubkey::default();
        Ok(())
    }
}
