//! What a key is if it is left out. The reference file shows these values.

use super::raw::{
    RawAlarms, RawDerived, RawDropFolder, RawExpect, RawLimits, RawMailbox, RawMaildir, RawRetention, RawReturn,
    RawRisk, RawRoute, RawScan, RawService, RawShbe, RawSmtp, RawWatch,
};
use super::settings::{
    Carries, DerivedDelimiter, DerivedEncoding, DerivedFormulas, ExpectSettings, MailForm, MailTls, Noticing,
    RiskHeader, Sandbox, ShbeProfile,
};
use super::severities::RawSeverities;
use super::template::{DELIVERY_NAME, DERIVED_NAME, RETURN_NAME};
use crate::domain::shbe_rule::CLAIM_COUNT_PERCENT;

impl Default for RawService {
    fn default() -> Self {
        RawService {
            state: None,
            authorities: None,
            control_socket: None,
            sweep_every: "30s".into(),
            sandbox: Sandbox::BestEffort,
            attempts_max: 12,
            retry_after: "10s".into(),
            retry_after_max: "1h".into(),
            in_flight_max: 64,
            limits: RawLimits::default(),
            alarms: RawAlarms::default(),
            retention: RawRetention::default(),
        }
    }
}

impl Default for RawWatch {
    fn default() -> Self {
        RawWatch { listen: None, stuck_after: "10m".into() }
    }
}

impl Default for RawScan {
    fn default() -> Self {
        RawScan { clamd: None, timeout: "1m".into() }
    }
}

impl Default for RawRetention {
    fn default() -> Self {
        RawRetention {
            keep_original: "427d".into(),
            keep_names: "427d".into(),
            keep_rejected: "90d".into(),
            keep_sealed: "427d".into(),
        }
    }
}

impl Default for RawAlarms {
    fn default() -> Self {
        RawAlarms {
            courier: None,
            to: Vec::new(),
            ping: None,
            ping_every: "5m".into(),
            keys_ahead: "60d".into(),
            timetable_ahead: "56d".into(),
        }
    }
}

impl Default for RawLimits {
    fn default() -> Self {
        RawLimits {
            ciphertext_bytes_max: "4 GiB".into(),
            plaintext_bytes_max: "8 GiB".into(),
            archive_members_max: 10_000,
            archive_bytes_max: "8 GiB".into(),
            free_bytes_min: "512 MiB".into(),
        }
    }
}

impl Default for RawExpect {
    fn default() -> Self {
        let ExpectSettings { calendar, return_lead_days, packs, risk, laid_silence_days } = ExpectSettings::default();
        RawExpect {
            calendar: calendar.word().to_owned(),
            return_lead_days,
            pack_weeks_after: packs.weeks_after,
            pack_amber_days: packs.amber_days,
            pack_red_days: packs.red_days,
            risk,
            laid_silence_days,
        }
    }
}

impl Default for RawDropFolder {
    fn default() -> Self {
        RawDropFolder {
            name: None,
            path: None,
            partners: None,
            also_for: Vec::new(),
            carries: Carries::Files,
            noticing: Noticing::Notify,
            settle: "5s".into(),
            patience: "15m".into(),
        }
    }
}

impl Default for RawMaildir {
    fn default() -> Self {
        RawMaildir {
            name: None,
            path: None,
            partners: None,
            also_for: Vec::new(),
            processed: ".Processed".to_owned(),
            noticing: Noticing::Notify,
        }
    }
}

impl Default for RawMailbox {
    fn default() -> Self {
        RawMailbox {
            name: None,
            host: None,
            tls: MailTls::Implicit,
            port: None,
            ca_file: None,
            account: None,
            password_credential: None,
            password_file: None,
            oauth: None,
            partners: None,
            also_for: Vec::new(),
            folder: "INBOX".to_owned(),
            processed: "Processed".to_owned(),
            poll: "2m".into(),
        }
    }
}

impl Default for RawRoute {
    fn default() -> Self {
        RawRoute {
            kinds: None,
            xml_roots: Vec::new(),
            destination: None,
            folder: None,
            file_name: DELIVERY_NAME.to_owned(),
            mode: "0640".to_owned(),
            group: None,
            keep_original: None,
            keep_names: None,
            derived: None,
        }
    }
}

impl Default for RawDerived {
    fn default() -> Self {
        RawDerived {
            destination: None,
            folder: None,
            file_name: DERIVED_NAME.to_owned(),
            encoding: DerivedEncoding::Utf8,
            delimiter: DerivedDelimiter::Comma,
            formulas: DerivedFormulas::Quote,
            column: Vec::new(),
        }
    }
}

impl Default for RawReturn {
    fn default() -> Self {
        RawReturn {
            kind: None,
            pick_up: None,
            partner: None,
            courier: None,
            window: "08:00-18:00".to_owned(),
            settle: "10s".into(),
            file_name: RETURN_NAME.to_owned(),
            resend_uncertain_after: None,
        }
    }
}

impl Default for RawRisk {
    fn default() -> Self {
        RawRisk {
            claim: None,
            score: None,
            high_risk: None,
            high_risk_values: vec!["Y".to_owned()],
            header: RiskHeader::Look,
        }
    }
}

impl Default for RawSmtp {
    fn default() -> Self {
        RawSmtp {
            host: None,
            tls: MailTls::Implicit,
            port: None,
            ca_file: None,
            account: None,
            password_credential: None,
            password_file: None,
            oauth: None,
            from: None,
            form: MailForm::PgpMime,
            journal: None,
            reply_timeout: "10m".into(),
            message_bytes_max: "25 MiB".into(),
        }
    }
}

impl Default for RawShbe {
    fn default() -> Self {
        RawShbe {
            profile: ShbeProfile::Of2015,
            d_count_moved_percent: CLAIM_COUNT_PERCENT,
            severity: RawSeverities::default(),
        }
    }
}
