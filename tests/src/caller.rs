//! A program that does nothing but call ours, native to the virtual machine.

use ballast_client::{ID, Pubkey};
use solana_instruction::{AccountMeta, Instruction};
use solana_program_test::{BuiltinFunctionDefinition, InvokeContext};

use crate::fixture::Fixture;

/// The calling program.
pub const CALLER: Pubkey = Pubkey::from_str_const("Ca11er1111111111111111111111111111111111111");

struct Caller;

impl BuiltinFunctionDefinition<InvokeContext<'_, '_>> for Caller {
    type Error = Box<dyn std::error::Error>;

    fn rust(
        context: &mut InvokeContext<'_, '_>,
        _: u64,
        _: u64,
        _: u64,
        _: u64,
        _: u64,
    ) -> Result<u64, Box<dyn std::error::Error>> {
        for call in read(context)? {
            context.native_invoke_signed(call, &[])?;
        }
        Ok(0)
    }
}

/// The calls that the data of the present instruction ask for, see [`through_a_program`].
fn read(context: &InvokeContext<'_, '_>) -> Result<Vec<Instruction>, Box<dyn std::error::Error>> {
    let present = context.transaction_context.get_current_instruction_context()?;
    let (mut rest, mut calls, mut slot) = (present.get_instruction_data(), vec![], 1);
    while let [accounts, length, data @ ..] = rest {
        let (data, next) = data.split_at(usize::from(*length));
        let slots = slot..slot + u16::from(*accounts);
        (rest, slot) = (next, slots.end);
        let metas = slots.map(|at| {
            Ok(AccountMeta {
                pubkey: *present.get_key_of_instruction_account(at)?,
                is_signer: present.is_instruction_account_signer(at)?,
                is_writable: present.is_instruction_account_writable(at)?,
            })
        });
        let accounts = metas.collect::<Result<_, Box<dyn std::error::Error>>>()?;
        calls.push(Instruction { program_id: ID, accounts, data: data.to_vec() });
    }
    Ok(calls)
}

/// One instruction of the calling program that makes these calls, one after another.
pub fn through_a_program(calls: &[Instruction]) -> Instruction {
    let byte = |length: usize| u8::try_from(length).expect("a short instruction");
    let mut accounts = vec![AccountMeta::new_readonly(ID, false)];
    let mut data = vec![];
    for call in calls {
        accounts.extend_from_slice(&call.accounts);
        data.extend([byte(call.accounts.len()), byte(call.data.len())]);
        data.extend_from_slice(&call.data);
    }
    Instruction { program_id: CALLER, accounts, data }
}

impl Fixture {
    /// Puts the calling program on the network.
    pub fn adds_caller(&self) {
        self.world_mut().svm.add_builtin(CALLER, Caller::register);
    }
}
