//! `[shbe.severity]`: a key for each rule of the pre-flight, so that the rules stand in one place only.
//!
//! Out: the schema that the reference file is written from and that unknown rules are noticed by.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::{RuleLevel, ShbePolicy, ShbeRule};

/// What was written, by the rule's id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RawSeverities(BTreeMap<String, RuleLevel>);

impl RawSeverities {
    /// Every rule as it was written, or as is usual.
    pub(super) fn policy(&self, claim_count_percent: u8) -> ShbePolicy {
        let mut policy = ShbePolicy::default();
        policy.claim_count_percent = claim_count_percent;
        for (id, level) in &self.0 {
            // Others were refused when the tree was held against the schema.
            if let Ok(rule) = id.parse() {
                policy.set(rule, *level);
            }
        }
        policy
    }
}

impl JsonSchema for RawSeverities {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RawSeverities".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let choices: Vec<Value> =
            RuleLevel::ALL.iter().map(|(_, word, does)| json!({"const": word, "description": does})).collect();
        let key = |rule: &ShbeRule| json!({"description": rule.says(), "default": rule.usual(), "oneOf": choices});
        let keys: Map<String, Value> = ShbeRule::ALL.iter().map(|rule| (rule.id().to_owned(), key(rule))).collect();
        let mut schema = Schema::default();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), keys.into());
        schema
    }
}
