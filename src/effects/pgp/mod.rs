//! OpenPGP: opening what partners sealed, sealing what goes to them. Nothing else names `sequoia_openpgp`.
