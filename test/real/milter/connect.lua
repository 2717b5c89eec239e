-- What each script begins with: a connection to SOCKET, and CONNECT and HELO of a client.
function open(version, actions, steps)
  local conn = mt.connect(SOCKET, 40, 0.25)
  check(conn ~= nil, "no connection to " .. SOCKET)
  check(mt.negotiate(conn, version, actions, steps) == nil, "negotiation")
  check(mt.conninfo(conn, "client.example", "192.0.2.1") == nil, "conninfo")
  check(mt.helo(conn, "client.example") == nil, "helo")
  return conn
end

function check(condition, what)
  if condition then return end
  mt.echo(what)
  error(what)
end

-- An envelope, which is never refused here: whatever is wrong is said at the end.
function envelope(conn)
  check(mt.mailfrom(conn, "<a@example.net>", "SIZE=100") == nil, "mailfrom")
  check(mt.getreply(conn) == SMFIR_CONTINUE, "MAIL was refused")
  mt.macro(conn, SMFIC_RCPT, "i", "4F1QUEUEID")
  check(mt.rcptto(conn, "<b@example.org>") == nil, "rcptto")
  check(mt.rcptto(conn, "<c@example.org>", "NOTIFY=NEVER") == nil, "rcptto")
end
