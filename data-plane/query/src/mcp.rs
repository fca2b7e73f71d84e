//! `/api/mcp`: the API as tools for language models, by the Model Context Protocol over streamable HTTP.
//!
//! A tool is a request to a path of this API in other words. It takes the same way through the same
//! router, so that tenancy, limits, refusals and counting are the same. Nothing is kept between
//! calls: every POST is answered by itself. `docs/adr/0013-mcp.md` tells why the protocol is a library's.

mod documents;
mod tools;

use std::sync::Arc;

use axum::Router;
use axum::body::{self, Body};
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::ACCEPT;
use http::{HeaderValue, StatusCode};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, JsonObject, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ResourceContents,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tower::ServiceExt as _;

use crate::answer::{self, PARTIAL_HEADER};
use crate::http::{self as paths, ApiState};
use crate::metrics::ToolLabel;
use crate::tenancy;
use documents::Document;
use tools::{Step, Tool};

/// Answers one message of the protocol.
pub(crate) async fn serve(State(state): State<ApiState>, request: Request) -> Response {
    let frontend = &state.frontend;
    if !frontend.settings().mcp_server_enabled {
        return answer::text(StatusCode::NOT_FOUND, "404 page not found\n");
    }
    let headers = request.headers();
    if let Err(failure) = tenancy::tenants(headers, frontend.settings(), &frontend.view()) {
        return answer::failure(&failure);
    }
    let server = Server {
        tenant: headers.get(tenancy::HEADER).cloned(),
        api: paths::api().with_state(state.clone()),
        state,
    };
    // Who may name this host is no secret here: the same data is under the paths next door.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts();
    let service = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    service.handle(request).await.map(Body::new)
}

/// The tools and documents, for one caller.
#[derive(Debug, Clone)]
struct Server {
    /// The caller's tenants, as their header named them.
    tenant: Option<HeaderValue>,
    api: Router,
    state: ApiState,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("tempo", "0.1.0"))
            .with_instructions(
                "Distributed traces, asked for in TraceQL. Read `docs-traceql` before writing a query; \
                 find out names and values with `get-attribute-names` and `get-attribute-values`.",
            )
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = Tool::ALL.into_iter().map(Tool::definition).collect();
        Ok(ListToolsResult::with_all_items(tools))
    }

    fn get_tool(&self, name: &str) -> Option<rmcp::model::Tool> {
        Tool::named(name).map(Tool::definition)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = Tool::named(&request.name) else {
            let message = format!("there is no tool `{}`", request.name);
            return Err(ErrorData::invalid_params(message, None));
        };
        let metrics = self.state.frontend.metrics();
        let label = ToolLabel { tool: tool.name() };
        metrics.mcp_calls.get_or_create(&label).inc();
        let arguments = request.arguments.unwrap_or_default();
        tokio::select! {
            result = self.call(tool, &arguments) => Ok(result.into()),
            // The caller went away; what was under way ends with the future.
            () = context.ct.cancelled() => Err(ErrorData::internal_error("the call was cancelled", None)),
        }
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources = documents::RESOURCES.iter().map(documents::Listed::resource);
        Ok(ListResourcesResult::with_all_items(resources.collect()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let Some(listed) = documents::RESOURCES
            .iter()
            .find(|listed| listed.uri == request.uri)
        else {
            let message = format!("there is no resource `{}`", request.uri);
            return Err(ErrorData::resource_not_found(message, None));
        };
        let contents = ResourceContents::text(listed.document.text(), listed.uri)
            .with_mime_type(documents::MARKDOWN);
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}

impl Server {
    async fn call(&self, tool: Tool, arguments: &JsonObject) -> CallToolResult {
        let longest = self
            .state
            .frontend
            .settings()
            .max_query_expression_size_bytes;
        match tool.step(arguments, self.state.frontend.now(), longest) {
            Ok(Step::Read(document)) => told(tool, document),
            Ok(Step::Ask(request)) => self.ask(tool, *request).await,
            Err(reason) => CallToolResult::error(vec![ContentBlock::text(reason)]),
        }
    }

    /// Sends a request the way one from outside would go, and asks for the form for language models.
    async fn ask(&self, tool: Tool, mut request: Request) -> CallToolResult {
        let headers = request.headers_mut();
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/vnd.grafana.llm"),
        );
        if let Some(tenant) = &self.tenant {
            headers.insert(tenancy::HEADER, tenant.clone());
        }
        let response = match self.api.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let partial = response.headers().get(PARTIAL_HEADER).cloned();
        let text = match body::to_bytes(response.into_body(), usize::MAX).await {
            Ok(body) => String::from_utf8_lossy(&body).into_owned(),
            Err(error) => return failed(format!("the answer broke off: {error}")),
        };
        if status != StatusCode::OK {
            return failed(format!(
                "tool failed with http status code {} and reason {text}",
                status.as_u16()
            ));
        }
        let mut result = result(tool, text, "json");
        if let Some(missing) = partial.as_ref().and_then(|value| value.to_str().ok()) {
            let note = format!("This answer is not complete: {missing}");
            result.content.push(ContentBlock::text(note));
        }
        result
    }
}

fn told(tool: Tool, document: Document) -> CallToolResult {
    result(tool, document.text().to_owned(), "markdown")
}

fn failed(reason: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(reason)])
}

fn result(tool: Tool, text: String, encoding: &str) -> CallToolResult {
    let (kind, version) = tool.result();
    let meta = [("type", kind), ("encoding", encoding), ("version", version)];
    let meta: JsonObject = meta
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.meta = Some(meta.into());
    result
}
