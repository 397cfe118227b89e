//! What has to be true of every case when its faults have ended.

use std::collections::{BTreeMap, BTreeSet};

use ballast_client::Pubkey;
use ballast_keeper::journal::{Ended, Key, Record};
use ballast_keeper::strategy::Flow;

use crate::case::{Outcome, missed, proceeds};
use crate::chain::Chain;

/// What is not as it has to be.
pub fn violations(outcome: &Outcome) -> Vec<String> {
    let chain = outcome.chain.lock().expect("nobody panics holding it");
    let mut found = Vec::new();
    for (first, second) in &chain.overlaps {
        found.push(format!("{second} was signed while {first} for the same vault could land"));
    }
    found.extend(missed(&chain));
    if !outcome.settled {
        found.push("something is under way at the end, or was missed".to_owned());
    }
    if outcome.stopped {
        found.push("the loop ended".to_owned());
    }
    for journal in &outcome.journals {
        found.extend(contradictions(journal, &chain));
    }
    found.extend(unannounced(outcome, &chain));
    found.extend(unfinished(outcome));
    found.extend(money(outcome, &chain));
    found
}

/// Where a journal says what the chain does not.
fn contradictions(journal: &[Record], chain: &Chain) -> Vec<String> {
    let mut found = Vec::new();
    let mut keys: BTreeMap<u64, Key> = BTreeMap::new();
    let mut signed = BTreeMap::new();
    for record in journal {
        match record {
            Record::Intent { id, intent } => {
                keys.insert(*id, intent.key);
            }
            Record::Signed { id, signed: transaction } => {
                let open = signed.keys().any(|other| keys.get(other) == keys.get(id));
                if open {
                    found.push(format!("{} was signed twice", transaction.signature));
                }
                signed.insert(*id, transaction.signature);
            }
            Record::Ended { id, how } => {
                let signature = signed.remove(id);
                let on_chain = signature.and_then(|signature| chain.statuses.get(&signature));
                let error = on_chain.map(|at| chain.included[*at].error.is_some());
                let right = match how {
                    Ended::Landed => error == Some(false),
                    Ended::Failed => error == Some(true),
                    Ended::Expired => {
                        error.is_none() && signature.is_some_and(|signature| !chain.could_land(&signature))
                    }
                    Ended::Abandoned => signature.is_none(),
                };
                if !right {
                    found.push(format!("the journal says that {signature:?} ended as {how:?}, the chain {error:?}"));
                }
            }
            Record::Opened { .. } | Record::Complete => {}
        }
    }
    found
}

/// What was sent without having been written down before.
fn unannounced(outcome: &Outcome, chain: &Chain) -> Vec<String> {
    let written: BTreeSet<String> = outcome
        .journals
        .iter()
        .flatten()
        .filter_map(|record| match record {
            Record::Signed { signed, .. } => Some(signed.signature.to_string()),
            _ => None,
        })
        .collect();
    let sent = chain.sent.iter().map(|sent| sent.signature.to_string());
    sent.filter(|signature| !written.contains(signature))
        .map(|signature| format!("{signature} is in no journal"))
        .collect()
}

/// What the last journal leaves open.
fn unfinished(outcome: &Outcome) -> Vec<String> {
    let open = outcome.journals.last().map(|journal| open_intents(journal)).unwrap_or_default();
    // An end that the full disk did not take is written with the next record, which may not have come.
    if outcome.disk_was_full { vec![] } else { open.into_iter().map(|id| format!("intent {id} has no end")).collect() }
}

/// The intents that a journal leaves open.
pub fn open_intents(journal: &[Record]) -> BTreeSet<u64> {
    let mut open = BTreeSet::new();
    for record in journal {
        match record {
            Record::Intent { id, .. } => {
                open.insert(*id);
            }
            Record::Ended { id, .. } => {
                open.remove(id);
            }
            _ => {}
        }
    }
    open
}

/// To the unit: what the keeper's accounts lost and gained, what the events say, and what the keeper counted.
fn money(outcome: &Outcome, chain: &Chain) -> Vec<String> {
    let mut found = Vec::new();
    let mut flows: BTreeMap<u8, Flow> = BTreeMap::new();
    let mut fees = 0;
    let mut vaults: Vec<Pubkey> = Vec::new();
    for included in &chain.included {
        fees += included.fee;
        if included.error.is_some() {
            continue;
        }
        let proceeds = proceeds(included);
        vaults.extend(&proceeds.vaults);
        for flow in proceeds.tokens.values() {
            let sum = flows.entry(flow.asset).or_insert(Flow { asset: flow.asset, ..Flow::default() });
            sum.paid += flow.paid;
            sum.received += flow.received;
        }
    }
    for (asset, (before, after)) in (0u8..).zip(outcome.before.iter().zip(chain.balances())) {
        let flow = flows.get(&asset).copied().unwrap_or_default();
        if before + flow.received - flow.paid != after {
            found.push(format!("asset {asset}: {before} before, {after} after, and the events say {flow:?}"));
        }
    }
    let counted = &outcome.ledger;
    let all = counted.tokens == flows && counted.fees == fees && counted.liquidations == vaults.len() as u64;
    // What landed for a life that was dead when it was decided, was counted by none.
    if outcome.kills == 0 && !all {
        found.push(format!("counted {counted:?}, and the chain says {flows:?} for fees of {fees}"));
    }
    // What one life could not write down as ended, or what was lost of it, the next one ends and counts again.
    let again = outcome.kills > 0 && (outcome.disk_was_full || outcome.lost);
    if !again && (counted.liquidations > vaults.len() as u64 || counted.fees > fees) {
        found.push(format!("counted {counted:?}, more than the chain says: {flows:?} for fees of {fees}"));
    }
    found
}
