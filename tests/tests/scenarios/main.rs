//! What happens over time and to many: interest, crashes, random play, and accounts as real networks have them.

mod attacker;
mod crash;
mod interest;
mod play;
mod previews;
mod profit;
mod real_accounts;
mod receivers;
mod ruin;
mod stage;
mod wallets;
mod wide;
mod worst_vault;
