#include "gateway/routes/service.h"

struct pg_conn *service_reader(struct service *service)
{
	return service->readers[service->next_reader++ % SERVICE_READERS];
}
