//! What happens over time and to many: interest, crashes, random play, and accounts as real networks have them.

mod crash;
mod interest;
mod play;
mod real_accounts;
mod wallets;
mod worst_vault;
