//! The inputs that mutations start from: the seeds, and whatever did something new.

use std::collections::BTreeSet;

use crate::mutate::Random;
use crate::targets::Effect;

/// Enough variety; beyond it a new input takes the place of an old one.
const MAX_INPUTS: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Pool {
    inputs: Vec<Vec<u8>>,
    seen: BTreeSet<Effect>,
}

impl Pool {
    /// Keeps `input` if nothing before had its effect.
    pub(crate) fn offer(&mut self, input: &[u8], effect: Effect, random: &mut Random) {
        if self.seen.len() >= MAX_INPUTS * 16 || !self.seen.insert(effect) {
            return;
        }
        if self.inputs.len() < MAX_INPUTS {
            self.inputs.push(input.to_vec());
        } else {
            let place = random.below(MAX_INPUTS);
            self.inputs[place] = input.to_vec();
        }
    }

    pub(crate) fn pick<'a>(&'a self, random: &mut Random) -> &'a [u8] {
        self.inputs
            .get(random.below(self.inputs.len()))
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn effects(&self) -> usize {
        self.seen.len()
    }
}
