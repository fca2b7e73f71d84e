//! Token buckets in bytes, one a tenant. The limits come with every call, because they change while running.

use std::collections::HashMap;

use parking_lot::Mutex;
use takt_model::{TenantId, UnixNano};

/// What a tenant may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) bytes_per_second: u64,
    pub(crate) burst_bytes: u64,
}

/// Why a request may not pass now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is larger than the bucket: no waiting helps.
    LargerThanBurst,
    /// The bucket does not hold enough at the moment.
    TooFast,
}

/// The buckets of all tenants.
///
/// A bucket that is full again says nothing and is forgotten, so what is kept is bounded by who
/// sent lately, not by who ever sent.
#[derive(Debug)]
pub(crate) struct RateLimiter(Mutex<Buckets>);

#[derive(Debug)]
struct Buckets {
    by_tenant: HashMap<TenantId, Bucket>,
    /// Full buckets are looked for when there are this many.
    sweep_at: usize,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: UnixNano,
    rate: Rate,
}

const FIRST_SWEEP: usize = 1024;

impl Default for RateLimiter {
    fn default() -> Self {
        Self(Mutex::new(Buckets {
            by_tenant: HashMap::new(),
            sweep_at: FIRST_SWEEP,
        }))
    }
}

impl RateLimiter {
    /// Takes `bytes` from the tenant's bucket, or nothing.
    pub(crate) fn take(
        &self,
        tenant: &TenantId,
        bytes: u64,
        rate: Rate,
        now: UnixNano,
    ) -> Result<(), Refused> {
        if bytes > rate.burst_bytes {
            return Err(Refused::LargerThanBurst);
        }
        let mut buckets = self.0.lock();
        buckets.sweep(now);
        if let Some(bucket) = buckets.by_tenant.get_mut(tenant) {
            return bucket.take(bytes, rate, now);
        }
        let mut bucket = Bucket::full(rate, now);
        let taken = bucket.take(bytes, rate, now);
        buckets.by_tenant.insert(tenant.clone(), bucket);
        taken
    }
}

impl Buckets {
    fn sweep(&mut self, now: UnixNano) {
        if self.by_tenant.len() < self.sweep_at {
            return;
        }
        self.by_tenant.retain(|_, bucket| !bucket.is_full(now));
        self.sweep_at = FIRST_SWEEP.max(self.by_tenant.len() * 2);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "tokens are an estimate; sizes beyond 2^53 bytes do not occur"
)]
impl Bucket {
    fn full(rate: Rate, now: UnixNano) -> Self {
        Self {
            tokens: rate.burst_bytes as f64,
            at: now,
            rate,
        }
    }

    fn take(&mut self, bytes: u64, rate: Rate, now: UnixNano) -> Result<(), Refused> {
        self.rate = rate;
        self.tokens = self.tokens_at(now);
        self.at = self.at.max(now);
        if self.tokens < bytes as f64 {
            return Err(Refused::TooFast);
        }
        self.tokens -= bytes as f64;
        Ok(())
    }

    fn tokens_at(&self, now: UnixNano) -> f64 {
        let earned = now.since(self.at).as_secs_f64() * self.rate.bytes_per_second as f64;
        (self.tokens + earned).min(self.rate.burst_bytes as f64)
    }

    fn is_full(&self, now: UnixNano) -> bool {
        self.tokens_at(now) >= self.rate.burst_bytes as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        bytes_per_second: 100,
        burst_bytes: 200,
    };

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[test]
    fn a_tenant_may_burst_and_then_gets_its_rate() {
        let limiter = RateLimiter::default();
        let team = tenant("team");
        let at = |seconds: u64| UnixNano::from_secs(1_000 + seconds);
        assert_eq!(limiter.take(&team, 200, RATE, at(0)), Ok(()));
        assert_eq!(limiter.take(&team, 1, RATE, at(0)), Err(Refused::TooFast));
        assert_eq!(limiter.take(&team, 100, RATE, at(1)), Ok(()));
        assert_eq!(limiter.take(&team, 1, RATE, at(1)), Err(Refused::TooFast));
        assert_eq!(limiter.take(&team, 200, RATE, at(9)), Ok(()));
    }

    #[test]
    fn tenants_do_not_share_a_bucket() {
        let limiter = RateLimiter::default();
        let now = UnixNano::from_secs(1);
        assert_eq!(limiter.take(&tenant("loud"), 200, RATE, now), Ok(()));
        assert_eq!(limiter.take(&tenant("quiet"), 200, RATE, now), Ok(()));
    }

    #[test]
    fn what_no_bucket_can_hold_is_told_apart_and_takes_nothing() {
        let limiter = RateLimiter::default();
        let (team, now) = (tenant("team"), UnixNano::from_secs(1));
        assert_eq!(
            limiter.take(&team, 201, RATE, now),
            Err(Refused::LargerThanBurst)
        );
        assert_eq!(limiter.take(&team, 200, RATE, now), Ok(()));
    }

    #[test]
    fn a_new_limit_holds_at_once_and_a_clock_that_jumps_back_gives_nothing_away() {
        let limiter = RateLimiter::default();
        let team = tenant("team");
        let now = UnixNano::from_secs(100);
        assert_eq!(limiter.take(&team, 200, RATE, now), Ok(()));
        let back = UnixNano::from_secs(1);
        assert_eq!(limiter.take(&team, 1, RATE, back), Err(Refused::TooFast));
        assert_eq!(limiter.take(&team, 1, RATE, now), Err(Refused::TooFast));
        let faster = Rate {
            bytes_per_second: 1_000,
            ..RATE
        };
        let later = UnixNano::from_secs(100).plus(std::time::Duration::from_millis(200));
        assert_eq!(limiter.take(&team, 200, faster, later), Ok(()));
    }

    #[test]
    fn buckets_that_are_full_again_are_forgotten() {
        let limiter = RateLimiter::default();
        for number in 0..5_000u64 {
            let tenant = tenant(&format!("tenant-{number}"));
            let now = UnixNano::from_secs(number);
            assert_eq!(limiter.take(&tenant, 100, RATE, now), Ok(()));
        }
        assert!(limiter.0.lock().by_tenant.len() <= FIRST_SWEEP);
    }
}
