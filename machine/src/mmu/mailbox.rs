//! TLB maintenance that reaches other CPUs: a mailbox each, emptied between blocks; DSB waits for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::tlbi::TlbiOp;
use crate::cpu::Vcpu;
use crate::machine::CpuSlot;

/// Operations that wait at most; beyond that everything is dropped instead.
const QUEUE_LIMIT: usize = 64;
/// Looks at another CPU before the host gets a chance to run it.
const SPIN_COUNT: u32 = 64;

/// TLB maintenance that other CPUs have sent to one CPU.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    queue: Mutex<Vec<TlbiOp>>,
    /// Operations ever put in.
    posted: AtomicU64,
    /// Operations ever performed.
    done: AtomicU64,
    /// Whether the CPU's thread is executing guest instructions, or looks here before it does.
    running: AtomicBool,
}

impl Mailbox {
    fn queue(&self) -> MutexGuard<'_, Vec<TlbiOp>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, op: TlbiOp) {
        let mut queue = self.queue();
        if queue.len() >= QUEUE_LIMIT {
            queue.clear();
            queue.push(TlbiOp::EVERYTHING);
        } else {
            queue.push(op);
        }
        self.posted.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes the waiting operations, and the count that is reached when they are done.
    pub(super) fn take(&self) -> (Vec<TlbiOp>, u64) {
        let mut queue = self.queue();
        (std::mem::take(&mut *queue), self.posted.load(Ordering::SeqCst))
    }

    /// Records that the operations up to this count have been performed.
    pub(super) fn complete(&self, count: u64) {
        self.done.store(count, Ordering::SeqCst);
    }

    /// Announces that the CPU's thread begins to execute guest code. It must look for requests after this.
    pub(crate) fn enter(&self) {
        self.running.store(true, Ordering::SeqCst);
    }

    /// Announces that it has stopped, so that nobody waits for it.
    pub(crate) fn leave(&self) {
        self.running.store(false, Ordering::SeqCst);
    }

    fn is_done(&self, count: u64) -> bool {
        self.done.load(Ordering::SeqCst) >= count || !self.running.load(Ordering::SeqCst)
    }
}

impl Vcpu {
    /// Sends an operation to all other CPUs. It is complete after [`Vcpu::tlbi_sync`].
    pub(super) fn broadcast_tlbi(&mut self, op: TlbiOp) {
        for (index, slot) in self.machine.slots.iter().enumerate() {
            if index != self.index {
                slot.tlbi.post(op);
                slot.request_quietly(CpuSlot::TLBI);
                self.tlb.set_unsynchronised(true);
            }
        }
    }

    /// Performs what other CPUs have sent.
    #[cold]
    pub(crate) fn drain_tlbi(&mut self) {
        if self.slot().take_requests(CpuSlot::TLBI) == 0 {
            return;
        }
        let (ops, count) = self.slot().tlbi.take();
        for op in ops {
            self.apply_tlbi(op);
        }
        self.slot().tlbi.complete(count);
    }

    /// DSB: waits until the other CPUs have performed this one's TLB maintenance. CPUs that do not execute guest code
    /// perform it before they do.
    #[inline]
    pub(crate) fn tlbi_sync(&mut self) {
        if self.tlb.is_unsynchronised() {
            self.wait_for_tlbi();
        }
    }

    #[cold]
    fn wait_for_tlbi(&mut self) {
        self.tlb.set_unsynchronised(false);
        let machine = self.machine.clone();
        for (index, slot) in machine.slots.iter().enumerate() {
            if index == self.index {
                continue;
            }
            let count = slot.tlbi.posted.load(Ordering::SeqCst);
            let mut looks = 0;
            while !slot.tlbi.is_done(count) && !machine.is_stopping() {
                // The other one may wait for us.
                self.drain_tlbi();
                looks += 1;
                if looks % SPIN_COUNT == 0 {
                    std::thread::yield_now();
                } else {
                    std::hint::spin_loop();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_mailbox_asks_for_everything_to_be_dropped() {
        let mailbox = Mailbox::default();
        mailbox.enter();
        for _ in 0..=QUEUE_LIMIT {
            mailbox.post(TlbiOp::EVERYTHING);
        }
        assert!(!mailbox.is_done(1));
        let (ops, count) = mailbox.take();
        assert_eq!((ops.len(), count), (1, QUEUE_LIMIT as u64 + 1));
        mailbox.complete(count);
        assert!(mailbox.is_done(count));
    }

    #[test]
    fn nobody_waits_for_a_cpu_that_does_not_execute() {
        let mailbox = Mailbox::default();
        mailbox.post(TlbiOp::EVERYTHING);
        assert!(mailbox.is_done(1));
        mailbox.enter();
        assert!(!mailbox.is_done(1));
        mailbox.leave();
        assert!(mailbox.is_done(1));
    }
}
