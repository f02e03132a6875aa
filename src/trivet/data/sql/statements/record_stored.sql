select {columns} from segment union all select {columns} from tail
