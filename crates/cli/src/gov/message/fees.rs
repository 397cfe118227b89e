//! What a message costs whoever pays for it, in lamports.

use ballast_client::transaction::Budget;
use serde::Serialize;
use solana_message::VersionedMessage;

use super::foreign::Foreign;

/// Lamports for a signature.
const SIGNATURE: u64 = 5_000;
/// Most compute units of a transaction.
const MOST_UNITS: u32 = 1_400_000;
/// Compute units of an instruction where nothing is said.
const DEFAULT_UNITS: u32 = 200_000;
/// Above this a fee is an objection, unless the user says another number: 0.01 SOL, seven times what this command offers by
/// itself at most.
pub const MOST_FEE: u64 = 10_000_000;

/// The fee and the limits of a message. Amounts are lamports; large numbers are text, so that no reader rounds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fees {
    /// All together, at most.
    pub most: String,
    pub signatures: String,
    /// Above the signatures, at most.
    pub priority: String,
    /// Absent where the message asks for none: then the cluster's default holds (none at all in version 1).
    pub compute_unit_limit: Option<u32>,
    /// Micro-lamports; absent in version 1, which names the whole fee.
    pub compute_unit_price: Option<String>,
    pub loaded_accounts_bytes: Option<u32>,
    pub heap_bytes: Option<u32>,
    #[serde(skip)]
    total: u64,
}

/// What instructions ask for.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    units: Option<u32>,
    price: Option<u64>,
    loaded: Option<u32>,
    heap: Option<u32>,
}

impl Fees {
    /// Those of a message; `understood` is what is known of its instructions that are not ours.
    pub fn of<'a>(message: &VersionedMessage, understood: impl Iterator<Item = &'a Foreign>) -> Self {
        let signatures = SIGNATURE.saturating_mul(message.header().num_required_signatures.into());
        let (asked, priority) = match message {
            VersionedMessage::V1(message) => {
                let config = message.config;
                let asked = Asked {
                    units: config.compute_unit_limit,
                    price: None,
                    loaded: config.loaded_accounts_data_size_limit,
                    heap: config.heap_size,
                };
                (asked, config.priority_fee.unwrap_or(0))
            }
            _ => {
                let asked = understood.fold(Asked::default(), Asked::with);
                let count = u32::try_from(message.instructions().len()).unwrap_or(u32::MAX);
                let units = asked.units.unwrap_or_else(|| count.saturating_mul(DEFAULT_UNITS)).min(MOST_UNITS);
                (asked, Budget { units, price: asked.price.unwrap_or(0) }.priority_fee_ceil())
            }
        };
        let total = signatures.saturating_add(priority);
        Self {
            most: total.to_string(),
            signatures: signatures.to_string(),
            priority: priority.to_string(),
            compute_unit_limit: asked.units,
            compute_unit_price: asked.price.map(|price| price.to_string()),
            loaded_accounts_bytes: asked.loaded,
            heap_bytes: asked.heap,
            total,
        }
    }

    /// Why it is too much.
    pub fn objection(&self, most: u64) -> Option<String> {
        let told = || format!("the fee is up to {}, more than {} (--max-fee)", sol(self.total), sol(most));
        (self.total > most).then(told)
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut parts = vec![format!("at most {}", sol(self.total))];
        parts.push(format!("priority {} lamports", self.priority));
        if let Some(units) = self.compute_unit_limit {
            let price = self.compute_unit_price.as_ref().map(|price| format!(" at {price} micro-lamports"));
            parts.push(format!("{units} compute units{}", price.unwrap_or_default()));
        } else if let Some(price) = &self.compute_unit_price {
            parts.push(format!("{price} micro-lamports for a compute unit"));
        }
        parts.extend(self.loaded_accounts_bytes.map(|bytes| format!("{bytes} bytes of accounts")));
        parts.extend(self.heap_bytes.map(|bytes| format!("{bytes} bytes of heap")));
        parts.join("; ")
    }
}

impl Asked {
    /// The program refuses the same request twice; the larger one is counted here.
    fn with(self, foreign: &Foreign) -> Self {
        let number = |key: &str| foreign.arguments[key].as_u64().and_then(|number| u32::try_from(number).ok());
        let price = foreign.arguments["microLamports"].as_str().and_then(|price| price.parse().ok());
        match foreign.name {
            "set_compute_unit_limit" => Self { units: self.units.max(number("units")), ..self },
            "set_compute_unit_price" => Self { price: self.price.max(price), ..self },
            "set_loaded_accounts_data_size_limit" => Self { loaded: self.loaded.max(number("bytes")), ..self },
            "request_heap_frame" => Self { heap: self.heap.max(number("bytes")), ..self },
            _ => self,
        }
    }
}

/// `5000 lamports (0.000005 SOL)`.
pub fn sol(lamports: u64) -> String {
    format!("{lamports} lamports ({} SOL)", ballast_client::measure::places(lamports, 9))
}
