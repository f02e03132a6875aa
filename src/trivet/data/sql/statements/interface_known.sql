select seq from interface_export where blob = ?
