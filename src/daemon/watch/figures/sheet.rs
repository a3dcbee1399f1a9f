//! A sheet of figures: put down one family after the other, written out as text.

use prometheus::{CounterVec, GaugeVec, Opts, Registry, TextEncoder};

/// What every name begins with.
const PREFIX: &str = "hbcourier";

/// The families so far; or the first fault.
#[derive(Default)]
pub(super) struct Sheet {
    registry: Registry,
    fault: Option<prometheus::Error>,
}

impl Sheet {
    /// A figure without labels.
    pub(super) fn one(&mut self, name: &str, help: &str, value: f64) {
        self.gauge(name, help, &[], [([], value)]);
    }

    /// What goes up and down: a value for each of these labels.
    pub(super) fn gauge<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str; N],
        rows: impl IntoIterator<Item = ([String; N], f64)>,
    ) {
        let put = || {
            let family = GaugeVec::new(Opts::new(name, help).namespace(PREFIX), labels)?;
            for (values, value) in rows {
                family.get_metric_with_label_values(&values)?.set(value);
            }
            self.registry.register(Box::new(family))
        };
        let put = put();
        self.keep(put);
    }

    /// What only goes up.
    pub(super) fn counter<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str; N],
        rows: impl IntoIterator<Item = ([String; N], f64)>,
    ) {
        let put = || {
            let family = CounterVec::new(Opts::new(name, help).namespace(PREFIX), labels)?;
            for (values, value) in rows {
                family.get_metric_with_label_values(&values)?.inc_by(value);
            }
            self.registry.register(Box::new(family))
        };
        let put = put();
        self.keep(put);
    }

    fn keep(&mut self, put: prometheus::Result<()>) {
        self.fault = self.fault.take().or(put.err());
    }

    /// As text.
    pub(super) fn text(self) -> Result<String, String> {
        let told = |error: prometheus::Error| format!("the figures could not be written out: {error}");
        match self.fault {
            Some(fault) => Err(told(fault)),
            None => TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(told),
        }
    }
}
