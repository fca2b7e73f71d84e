//! Queries from the grammar of TraceQL, about values that the traces at hand have.

use takt_traceql::{Field, format_duration, parse, parse_tag};

use super::{Rng, TICK, TIME};
use crate::Corpus;
use crate::expr;
use crate::value::Value;

const COMPARISONS: [&str; 6] = ["=", "!=", "<", "<=", ">", ">="];
const ATTRIBUTES: [&str; 4] = ["x", "y", "service.name", "\"a b\""];
const SCOPES: [&str; 9] = [
    ".",
    "span.",
    "resource.",
    "event.",
    "link.",
    "instrumentation.",
    "parent.",
    "parent.span.",
    "parent.resource.",
];
const INTRINSICS: [&str; 24] = [
    "duration",
    "name",
    "status",
    "statusMessage",
    "kind",
    "rootName",
    "rootServiceName",
    "traceDuration",
    "span:childCount",
    "span:id",
    "span:parentID",
    "trace:id",
    "event:name",
    "event:timeSinceStart",
    "link:traceID",
    "link:spanID",
    "instrumentation:name",
    "instrumentation:version",
    "parent.name",
    "parent.kind",
    "parent.duration",
    "parent.status",
    "nestedSetParent",
    "nestedSetLeft",
];
const STRUCTURAL: [&str; 15] = [
    ">", "<", ">>", "<<", "~", "!>", "!<", "!>>", "!<<", "!~", "&>", "&<", "&>>", "&<<", "&~",
];

/// Makes queries about the traces it was given.
#[derive(Debug)]
pub struct Queries<'c, 'a> {
    corpus: &'c Corpus<'a>,
    rng: Rng,
}

impl<'c, 'a> Queries<'c, 'a> {
    #[must_use]
    pub fn new(corpus: &'c Corpus<'a>, rng: Rng) -> Self {
        Self { corpus, rng }
    }

    /// A query for traces. Not all of them have sound types.
    pub fn search(&mut self) -> String {
        if self.rng.chance(30) {
            return self.filter();
        }
        self.pipeline(2)
    }

    /// A query for series.
    pub fn metrics(&mut self) -> String {
        match self.rng.below(10) {
            0 => format!("{} | {}", self.pipeline(1), self.compare()),
            1..4 => self.arithmetic(2),
            _ => self.stages(),
        }
    }

    fn arithmetic(&mut self, depth: usize) -> String {
        let op = self.rng.pick(&["+", "-", "*", "/"]);
        if depth == 0 || self.rng.chance(20) {
            return format!("({})", self.stages());
        }
        let number = self.rng.pick(&["2", "0.5", "-1", "0", "100"]);
        let inner = self.arithmetic(depth - 1);
        match self.rng.below(4) {
            0 => format!("({inner} {op} {number})"),
            1 => format!("({number} {op} {inner})"),
            _ => format!("({inner} {op} {})", self.arithmetic(depth - 1)),
        }
    }

    fn stages(&mut self) -> String {
        let mut query = format!("{} | {}", self.counted(), self.function());
        while self.rng.chance(25) {
            let stage = match self.rng.below(3) {
                0 => format!(" | topk({})", 1 + self.rng.below(3)),
                1 => format!(" | bottomk({})", 1 + self.rng.below(3)),
                _ => format!(
                    " {} {}",
                    self.rng.pick(&COMPARISONS),
                    self.rng.pick(&["0", "1", "0.5", "2", "1.5"])
                ),
            };
            query.push_str(&stage);
        }
        query
    }

    /// The pipeline before a function: often everything, so that there is something to count.
    fn counted(&mut self) -> String {
        match self.rng.below(4) {
            0 => "{ }".to_owned(),
            1..3 => self.filter(),
            _ => self.pipeline(1),
        }
    }

    fn function(&mut self) -> String {
        let measured = match self.rng.below(3) {
            0 => "duration".to_owned(),
            1 => format!("{}x", self.rng.pick(&["span.", ".", "event."])),
            _ => self.field(),
        };
        let function = match self.rng.below(9) {
            0 => "rate()".to_owned(),
            1..3 => "count_over_time()".to_owned(),
            3 => format!("min_over_time({measured})"),
            4 => format!("max_over_time({measured})"),
            5 => format!("sum_over_time({measured})"),
            6 => format!("avg_over_time({measured})"),
            7 => format!(
                "quantile_over_time({measured}, {})",
                self.rng.pick(&[".5", "0, 1", ".9, .99", "0.25"])
            ),
            _ => format!("histogram_over_time({measured})"),
        };
        match self.rng.below(3) {
            0 => function,
            _ => format!("{function} by ({})", self.fields()),
        }
    }

    fn fields(&mut self) -> String {
        let count = self.rng.weighted(&[(6, 1), (3, 2), (1, 3)]);
        let fields: Vec<String> = (0..count).map(|_| self.field()).collect();
        fields.join(", ")
    }

    fn compare(&mut self) -> String {
        let filter = self.filter();
        match self.rng.below(3) {
            0 => format!("compare({filter})"),
            1 => format!("compare({filter}, {})", 1 + self.rng.below(3)),
            _ => {
                let from = TIME + TICK * 256 * self.number(16);
                let to = from + TICK * 512 * (1 + self.number(8));
                format!(
                    "compare({filter}, {}, {from}, {to})",
                    1 + self.rng.below(10)
                )
            }
        }
    }

    fn number(&mut self, bound: usize) -> u64 {
        u64::try_from(self.rng.below(bound)).expect("a usize is no wider")
    }

    fn pipeline(&mut self, depth: usize) -> String {
        let mut pipeline = self.spansets(depth);
        while self.rng.chance(45) {
            let stage = match self.rng.below(10) {
                0..2 => self.spansets(1),
                2..5 => format!("by({})", self.group()),
                5 => "coalesce()".to_owned(),
                6 => format!("select({})", self.fields()),
                _ => self.scalar_filter(),
            };
            pipeline = format!("{pipeline} | {stage}");
        }
        pipeline
    }

    fn group(&mut self) -> String {
        match self.rng.below(6) {
            0 => self.condition(),
            1 => self.numeric(),
            _ => self.field(),
        }
    }

    fn scalar_filter(&mut self) -> String {
        let op = self.rng.pick(&COMPARISONS);
        let left = self.aggregate();
        match self.rng.below(8) {
            0 => format!("{left} {op} {}", self.aggregate()),
            1 => format!(
                "{left} {} 2 {op} {}",
                self.rng.pick(&["+", "-", "*", "/", "%"]),
                self.aggregate()
            ),
            2 => format!("{} {op} {left}", self.rng.pick(&["1", "2", "0.5"])),
            3 => format!("{left} {op} {}", self.rng.pick(&["100ms", "500ms", "1s"])),
            _ => format!(
                "{left} {op} {}",
                self.rng.pick(&["0", "1", "1", "2", "3", "2.5"])
            ),
        }
    }

    fn aggregate(&mut self) -> String {
        let of = self.numeric();
        match self.rng.below(6) {
            0..2 => "count()".to_owned(),
            2 => format!("max({of})"),
            3 => format!("min({of})"),
            4 => format!("avg({of})"),
            _ => format!("sum({of})"),
        }
    }

    fn numeric(&mut self) -> String {
        let field = match self.rng.below(4) {
            0 => "duration".to_owned(),
            1 => "span:childCount".to_owned(),
            _ => format!(
                "{}{}",
                self.rng
                    .pick(&["span.", ".", "event.", "resource.", "parent."]),
                self.rng.pick(&["x", "y"])
            ),
        };
        match self.rng.below(5) {
            0 => format!(
                "{field} {} {}",
                self.rng.pick(&["+", "-", "*", "/", "%"]),
                self.rng.pick(&["1", "2", "0", "0.5"])
            ),
            1 => format!("-{field}"),
            _ => field,
        }
    }

    fn spansets(&mut self, depth: usize) -> String {
        if depth == 0 || self.rng.chance(25) {
            let without = if self.rng.chance(12) { "!" } else { "" };
            return format!("{without}{}", self.filter());
        }
        let left = self.operand(depth - 1);
        let right = self.operand(depth - 1);
        let op = if self.rng.chance(30) {
            self.rng.pick(&["&&", "||"])
        } else {
            self.rng.pick(&STRUCTURAL)
        };
        format!("{left} {op} {right}")
    }

    fn operand(&mut self, depth: usize) -> String {
        match self.rng.below(10) {
            0 if depth > 0 => format!("({})", self.pipeline(depth)),
            1..4 if depth > 0 => format!("({})", self.spansets(depth)),
            _ => self.spansets(0),
        }
    }

    fn filter(&mut self) -> String {
        match self.rng.below(20) {
            0 => "{ }".to_owned(),
            1 => format!("{{ {} }}", self.rng.pick(&["true", "false"])),
            2 => format!(
                "{{ {} }}",
                self.rng.pick(&[
                    "nestedSetParent < 0",
                    "-1 = nestedSetParent",
                    "parent.nestedSetParent <= -1"
                ])
            ),
            _ => format!("{{ {} }}", self.expression(2)),
        }
    }

    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 || self.rng.chance(50) {
            return self.condition();
        }
        match self.rng.below(8) {
            0 => format!("!({})", self.expression(depth - 1)),
            1..4 => format!(
                "({}) || ({})",
                self.expression(depth - 1),
                self.expression(depth - 1)
            ),
            4 => format!(
                "{} && {} && {}",
                self.condition(),
                self.condition(),
                self.condition()
            ),
            _ => format!(
                "({}) && ({})",
                self.expression(depth - 1),
                self.expression(depth - 1)
            ),
        }
    }

    /// A condition of sound types. Should none come up, the query is refused and says nothing.
    fn condition(&mut self) -> String {
        let mut condition = self.any_condition();
        for _ in 0..9 {
            if parse(&format!("{{ {condition} }}")).is_ok() {
                break;
            }
            condition = self.any_condition();
        }
        condition
    }

    fn any_condition(&mut self) -> String {
        let field = self.field();
        let op = self.rng.pick(&COMPARISONS);
        match self.rng.below(20) {
            0..9 => format!("{field} {op} {}", self.literal(&field)),
            9 => format!("{} {op} {field}", self.literal(&field)),
            10..12 => format!(
                "{field} {} `{}`",
                self.rng.pick(&["=~", "!~"]),
                self.rng.pick(&["a", "a.*", ".*b|1", "", "[aB]+", "(?i)b"])
            ),
            12..14 => format!("{field} {op} {}", self.field()),
            14..16 => format!(
                "({field} {} {}) {op} {}",
                self.rng.pick(&["+", "-", "*", "/", "%", "^"]),
                self.numeric(),
                self.literal(&field)
            ),
            16..18 => format!("{field} {} nil", self.rng.pick(&["=", "!="])),
            18 => format!("{}{field}", self.rng.pick(&["", "!"])),
            _ => format!(
                "{field} {op} {}",
                self.rng
                    .pick(&["1", "`a`", "true", "5ns", "error", "server", "2.5"])
            ),
        }
    }

    fn field(&mut self) -> String {
        if self.rng.chance(60) {
            let scope = self.rng.weighted(&[
                (5, 1),
                (3, 0),
                (3, 2),
                (2, 3),
                (1, 4),
                (1, 5),
                (1, 6),
                (1, 7),
                (1, 8),
            ]);
            return format!("{}{}", SCOPES[scope], self.rng.pick(&ATTRIBUTES));
        }
        self.rng.pick(&INTRINSICS).to_owned()
    }

    /// A value that the field has somewhere, or one that suits it.
    fn literal(&mut self, of: &str) -> String {
        let field = parse_tag(of).expect("made from parts that are fields");
        for _ in 0..4 {
            if let Some(text) = self.sample(&field) {
                return text;
            }
        }
        self.rng.pick(&["`a`", "1", "2.5", "true", "0s"]).to_owned()
    }

    fn sample(&mut self, field: &Field) -> Option<String> {
        let traces = &self.corpus.traces;
        let trace = &traces[self.rng.below(traces.len())];
        let at = self.rng.below(trace.spans.len());
        let value = expr::field(trace, at, field, expr::Only::default())
            .into_iter()
            .next()?;
        match value.elements() {
            Some(elements) if elements.is_empty() => None,
            Some(elements) => literal(&elements[self.rng.below(elements.len())]),
            None => literal(&value),
        }
    }
}

fn literal(value: &Value) -> Option<String> {
    Some(match value {
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Text(text) => format!("`{text}`"),
        Value::Bool(flag) => flag.to_string(),
        Value::Duration(nanos) => format_duration(*nanos),
        Value::Status(status) => status.name().to_owned(),
        Value::Kind(kind) => kind.name().to_owned(),
        Value::Other(_) => return None,
    })
}
