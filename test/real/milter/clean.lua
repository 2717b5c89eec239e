-- A clean message, twice in one connection: our field, and nobody else's in our name.
dofile(SCRIPTS .. "/connect.lua")
local conn = open()
for round = 1, 2 do
  envelope(conn)
  check(mt.header(conn, "Received", "from elsewhere by here") == nil, "header")
  check(mt.header(conn, "X-Virus-Scanned", "forged") == nil, "header")
  check(mt.header(conn, "Subject", "round " .. round) == nil, "header")
  check(mt.eoh(conn) == nil, "eoh")
  check(mt.bodystring(conn, "Dear Ben,\r\n\r\nsee you on Monday.\r\n") == nil, "body")
  check(mt.eom(conn) == nil, "eom")
  check(mt.getreply(conn) == SMFIR_ACCEPT, "the message was not taken")
  check(mt.eom_check(conn, MT_HDRDELETE, "X-Virus-Scanned"), "the forged field stays")
  check(mt.eom_check(conn, MT_HDRINSERT, "X-Virus-Scanned", " clamgate", 1), "our field is missing")
  check(not mt.eom_check(conn, MT_RCPTDELETE, "<b@example.org>"), "a recipient was taken away")
  check(not mt.eom_check(conn, MT_BODYCHANGE), "the body was changed")
end
mt.disconnect(conn)
