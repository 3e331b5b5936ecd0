package kinds

func controllerRevision(k *Kind) {
	k.Validate = check(validateControllerRevision)
	k.ValidateUpdate = checkBoth(validateControllerRevisionUpdate)
	k.Columns, k.Row = controllerRevisionColumns, cells(controllerRevisionRow)
}
