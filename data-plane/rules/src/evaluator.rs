//! Who answers queries.

use std::error::Error;
use std::future::Future;

use takt_model::{TenantId, TimeRange};

/// Answers a metrics query with one value for each series.
pub trait Evaluator: Send + Sync + 'static {
    /// Looks at the spans of `window`, both ends included.
    ///
    /// # Errors
    /// When there is no answer, or none that is whole.
    fn instant(
        &self,
        tenant: &TenantId,
        query: &str,
        window: TimeRange,
    ) -> impl Future<Output = Result<Vec<Sample>, EvaluationError>> + Send;
}

/// One series and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// As TraceQL names them, values as text.
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

/// Why a query has no answer a rule may rely on.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
    /// Nothing is concluded from a part: what is missing could be what matters.
    #[error("the answer is partial: {0}")]
    Partial(String),
}
