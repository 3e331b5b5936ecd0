package kinds

func lease(k *Kind) {
	k.Validate = check(validateLease)
	k.ValidateUpdate = checkBoth(validateLeaseUpdate)
	k.Columns, k.Row = leaseColumns, cells(leaseRow)
}
