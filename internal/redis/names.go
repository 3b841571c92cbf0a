package redis

// Names of what lies in Redis; before each stand the prefix and the store. The stream of due jobs and its group are one key, so a
// cluster holds them on one node. One name of a consumer does for all servers: nothing is pending by it, and none is left behind by
// a server that ended.
const (
	due      = "due"
	events   = "events"
	group    = "servers"
	consumer = "server"
)
