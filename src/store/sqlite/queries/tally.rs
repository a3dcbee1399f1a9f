//! How many stand where, counted by the store itself.

use rusqlite::Connection;

use super::super::columns::Count;
use crate::store::Tally;

pub(super) fn tally(connection: &Connection) -> rusqlite::Result<Tally> {
    let mut counted = connection.prepare_cached("SELECT word, count(*) FROM consignment GROUP BY word")?;
    let transfers = counted.query_map([], |row| Ok((row.get(0)?, row.get::<_, Count>(1)?.0)))?;
    let transfers = transfers.collect::<rusqlite::Result<_>>()?;
    let mut counted = connection.prepare_cached("SELECT kind, word, count(*) FROM submission GROUP BY kind, word")?;
    let returns = counted.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get::<_, Count>(2)?.0)))?;
    let returns = returns.collect::<rusqlite::Result<_>>()?;
    Ok(Tally { transfers, returns })
}
