// MPI's handles are macros, which Swift cannot import: one accessor for each that Espalier uses.
#pragma once
#include <mpi.h>

static inline MPI_Comm espalier_mpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm espalier_mpi_comm_null(void) { return MPI_COMM_NULL; }
static inline MPI_Errhandler espalier_mpi_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Info espalier_mpi_info_null(void) { return MPI_INFO_NULL; }
static inline MPI_Datatype espalier_mpi_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype espalier_mpi_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype espalier_mpi_double(void) { return MPI_DOUBLE; }
static inline MPI_Datatype espalier_mpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Op espalier_mpi_sum(void) { return MPI_SUM; }
static inline MPI_Op espalier_mpi_max(void) { return MPI_MAX; }
static inline void *espalier_mpi_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Request espalier_mpi_request_null(void) { return MPI_REQUEST_NULL; }
static inline MPI_Status *espalier_mpi_status_ignore(void) { return MPI_STATUS_IGNORE; }
static inline int espalier_mpi_proc_null(void) { return MPI_PROC_NULL; }
static inline int espalier_mpi_any_source(void) { return MPI_ANY_SOURCE; }
