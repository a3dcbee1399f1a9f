//! How far the service confines itself.

/// How far the service confines itself at its start to what the settings name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Sandbox {
    /// As far as the kernel goes.
    BestEffort,
    /// Files, connections and system calls, or it does not start.
    Required,
    /// Not at all.
    Off,
}
