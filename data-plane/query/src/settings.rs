//! What the read path is told at start, under Tempo's names (`query_frontend.*`) where Tempo has one.

use std::time::Duration;

/// Settings of the read path; any value is legal, and zero means what each field says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether requests must say who they are for; without it everything belongs to `single-tenant`.
    pub multitenancy_enabled: bool,
    /// Whether `X-Scope-OrgID: a|b` may read several tenants at once.
    pub multi_tenant_queries_enabled: bool,
    /// Prepended to all `/api/*` paths; empty or like `/tempo`.
    pub http_api_prefix: String,
    /// Longest time a request may take; zero is no limit.
    pub api_timeout: Duration,
    /// Longest query expression, in bytes.
    pub max_query_expression_size_bytes: usize,
    /// Queries of one tenant that may be under way at once; more are refused with 429.
    pub max_outstanding_per_tenant: usize,
    pub search: Search,
    pub trace_by_id: TraceById,
    /// Whether `/api/mcp` answers; without it the path does not exist.
    pub mcp_server_enabled: bool,
    /// `q` of a tags query may not expand into more alternatives than this.
    pub max_condition_groups_per_tag_query: usize,
    /// Largest message of a streamed answer, in bytes, unless one item alone is larger.
    pub max_grpc_streaming_packet_size: usize,
    /// Time between two messages of a streamed answer.
    pub stream_every: Duration,
    /// Blocks a query reads at once.
    pub concurrent_blocks: usize,
    /// Row groups of a block that are asked as one job, in bytes of the block.
    pub target_bytes_per_job: u64,
    /// How often a job is tried, the first time included, when it failed for a reason that may pass.
    pub max_retries: usize,
    /// A job that takes longer is run a second time beside itself; zero is never.
    pub hedge_jobs_at: Duration,
    /// Memory for what jobs found, in bytes, so that the same question need not be asked again.
    pub job_cache_bytes: usize,
    /// Pieces of work that may use a processor at once, over all queries.
    pub workers: usize,
    /// How long a query waits for the live store to have read what was acknowledged before the query came.
    pub journal_wait: Duration,
    /// Memory all queries together may take, in bytes.
    pub memory_bytes: usize,
    /// Memory one query may take, in bytes.
    pub query_memory_bytes: usize,
    /// Addresses of other processes that run jobs on stored spans; without any, this one does.
    pub queriers: Vec<String>,
    /// How long another process may take for one job.
    pub querier_timeout: Duration,
    /// Whether this process runs jobs for others.
    pub serve_jobs: bool,
    pub metrics: Metrics,
}

/// Settings of `/api/v2/traces/{id}`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TraceById {
    /// Whether requests may ask for span pruning at all.
    pub span_pruning_enabled: bool,
    /// Whether a request that does not say gets it.
    pub span_pruning_enabled_by_default: bool,
}

/// Settings of `/api/search`.
#[derive(Debug, Clone)]
pub struct Search {
    pub default_result_limit: u32,
    /// Zero is no bound.
    pub max_result_limit: u32,
    pub default_spans_per_span_set: u32,
    /// Zero is no bound.
    pub max_spans_per_span_set: u32,
}

/// Settings of `/api/metrics/*`.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Most exemplars of an answer; zero is none.
    pub max_exemplars: u32,
    /// Most series of an answer; zero is no bound. More are cut, and the answer says so.
    pub max_response_series: u32,
    /// Most intervals between start and end; zero is no bound.
    pub max_intervals: u64,
    /// Most groups that one metrics function counts; what comes beyond is left out, and the answer says so.
    pub max_groups: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            max_exemplars: 100,
            max_response_series: 0,
            max_intervals: 10_000,
            max_groups: 100_000,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            multitenancy_enabled: false,
            multi_tenant_queries_enabled: true,
            http_api_prefix: String::new(),
            api_timeout: Duration::ZERO,
            max_query_expression_size_bytes: 128 << 10,
            max_outstanding_per_tenant: 2000,
            search: Search::default(),
            trace_by_id: TraceById::default(),
            mcp_server_enabled: false,
            max_condition_groups_per_tag_query: 20,
            max_grpc_streaming_packet_size: 1 << 20,
            stream_every: Duration::from_millis(500),
            concurrent_blocks: 8,
            target_bytes_per_job: 100 << 20,
            max_retries: 2,
            hedge_jobs_at: Duration::from_secs(5),
            job_cache_bytes: 32 << 20,
            workers: 4,
            journal_wait: Duration::from_millis(250),
            memory_bytes: 512 << 20,
            query_memory_bytes: 256 << 20,
            queriers: Vec::new(),
            querier_timeout: Duration::from_secs(30),
            serve_jobs: false,
            metrics: Metrics::default(),
        }
    }
}

impl Default for Search {
    fn default() -> Self {
        Self {
            default_result_limit: 20,
            max_result_limit: 262_144,
            default_spans_per_span_set: 3,
            max_spans_per_span_set: 0,
        }
    }
}
